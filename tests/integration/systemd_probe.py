"""What happens in the machine: the bridge under its real unit, between both simulators.

It is the only task of that machine; what it saw is left in /result/seen, for the tests to judge.
"""

import asyncio
import itertools
import json
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from bridge.clock import RandomIds, SystemClock
from bridge.simulators.polyai import PolyAISimulator
from bridge.simulators.slack import SlackSimulator
from bridge.simulators.slack_limits import RateLimits
from tests.integration.stuck_bridge import WORD
from tests.stage import Stage

#: How long anything may take.
PATIENCE = 40.0
COMMAND = "/opt/polyai-bridge/bin/polyai-bridge"
UNITS = Path("/etc/systemd/system")
ETC = Path("/etc/polyai-bridge")
#: The unit as it is shipped; in a hurry, as a test is.
HURRIED = "[Service]\nWatchdogSec=6s\nRestartSec=500ms\n"
#: Where cgroups are of the first version, systemd is not told that the last process of one ended.
STUCK = r"""
[Service]
TimeoutStopSec=5s
Environment=PYTHONPATH=/opt/checkout
ExecStart=
ExecStart=/opt/polyai-bridge/bin/python -m tests.integration.stuck_bridge \
    run --config /etc/polyai-bridge/bridge.toml
"""
JOURNAL = ("journalctl", "--unit=polyai-bridge", "--output=cat", "--no-pager")
#: What every extra brings, put to work as the unit lets it be.
EXTRAS = """
import jwt, nio, vodozemac
from cryptography.hazmat.primitives.asymmetric import rsa
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
vodozemac.Account().sign(b"signed")
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
jwt.decode(jwt.encode({"a": 1}, key, "RS256"), key.public_key(), ["RS256"])
OTLPSpanExporter(endpoint="http://127.0.0.1:9/").shutdown()
print("all work")
"""
SECRETS = {
    "agents__default__connector_token": "simulated-connector-token",
    "adapters__slack__bot_token": "xoxb-simulated",
    "adapters__slack__app_token": "xapp-simulated",
}


def run(*command: str) -> str:
    """Run a command to its end; what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return f"{done.stdout}{done.stderr}".strip()


async def systemctl(*arguments: str) -> int:
    """Its exit code; the simulators go on meanwhile."""
    process = await asyncio.create_subprocess_exec("systemctl", *arguments)
    return await process.wait()


def shown(unit: str = "polyai-bridge") -> dict[str, str]:
    """What systemd says of a unit."""
    lines = run("systemctl", "show", unit).splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


async def until(seen: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever was seen
    """Wait until `seen` gives something true, and give it; or the last it gave."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not (value := seen()) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.1)
    return value


async def asked(path: str, port: int = 8080) -> tuple[int, str]:
    """What the listener answers: 0 if nothing."""
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.get(
                f"http://127.0.0.1:{port}{path}", timeout=aiohttp.ClientTimeout(total=2)
            ) as answer,
        ):
            return answer.status, await answer.text()
    except (OSError, aiohttp.ClientError, TimeoutError):
        return 0, ""


def install(stage: Stage) -> None:
    """As docs/systemd.md has it."""
    for word, name in (("unit", "polyai-bridge.service"), ("template", "polyai-bridge@.service")):
        printed = subprocess.run([COMMAND, "deploy", word], capture_output=True, check=True)
        (UNITS / name).write_bytes(printed.stdout)
        (UNITS / f"{name}.d").mkdir()
        (UNITS / f"{name}.d" / "hurried.conf").write_text(HURRIED)
    configure(stage, ETC, 8080)
    configure(stage, ETC / "second", 8081)
    lend_rights()
    run("systemctl", "daemon-reload")


def configure(stage: Stage, directory: Path, port: int) -> None:
    """Settings for everybody, secrets for root."""
    secrets = directory / "secrets"
    secrets.mkdir(parents=True, mode=0o700)
    for name, secret in SECRETS.items():
        (secrets / name).write_text(secret)
        (secrets / name).chmod(0o600)
    (directory / "bridge.toml").write_text(f"""
[http]
port = {port}
[intake]
person_rate = "off"
[agents.default]
base_url = "{stage.polyai.base_url}"
host = "https://demo.example"
echo_timeout = "1s"
reconnect_max = "1s"
[adapters.slack]
type = "slack"
api_url = "{stage.slack.api_url}"
in_doubt_wait = "700ms"
{"[adapters.apart]" if port == 8080 else "#"}
{'type = "webhook"' if port == 8080 else "#"}
{'isolation = "process"' if port == 8080 else "#"}
{'secret = "a-secret-of-the-simulated-caller"' if port == 8080 else "#"}
{'callback_url = "http://127.0.0.1:9/"' if port == 8080 else "#"}
""")


async def started(stage: Stage) -> dict[str, Any]:
    """Started: READY, STATUS, and what the process may do."""
    code = await systemctl("start", "polyai-bridge")
    first = shown()
    await until(lambda: stage.slack.sockets)
    thread = await stage.mention("say it works")
    await until(lambda: "it works" in stage.told(thread))
    status = await until(lambda: re.match(r"Ready: [1-9]", shown()["StatusText"]))
    pid = int(first["MainPID"])
    maps = Path(f"/proc/{pid}/maps").read_text()
    process = Path(f"/proc/{pid}/status").read_text()
    return {
        "code": code,
        "state": first["ActiveState"],
        "status": shown()["StatusText"],
        "ready": bool(status),
        "told": stage.told(thread),
        "live": (await asked("/live"))[0],
        "readiness": await asked("/ready"),
        "uid": Path(f"/proc/{pid}").stat().st_uid,
        "seccomp": "Seccomp:\t2" in process,
        "no_new_privileges": "NoNewPrivs:\t1" in process,
        "capabilities": re.findall(r"CapEff:\s*(\w+)", process),
        "libraries": [name for name in ("uvloop", "cryptography", "msgspec") if name in maps],
        "writable_code": [line for line in maps.splitlines() if re.search(r" rwx", line)],
        "environment": Path(f"/proc/{pid}/environ").read_text(),
        "commands": run("ps", "-eo", "args"),
        "state_directory": modes(Path("/var/lib/private/polyai-bridge")),
        "figures": re.findall(r"^process_\w+", (await asked("/metrics"))[1], re.MULTILINE),
        "children": run("pgrep", "--parent", str(pid), "--list-full"),
    }


async def extras(_stage: Stage) -> dict[str, Any]:
    """What the extras bring, with the rights of the unit."""
    code = await systemctl("start", "extras")
    told = run("journalctl", "--unit=extras", "--output=cat", "--identifier=python")
    return {"code": code, "told": told}


def lend_rights() -> None:
    """A unit for the extras: ours, but for what it runs and waits for."""
    ours = (UNITS / "polyai-bridge.service").read_text().splitlines()
    other = ("Type=", "NotifyAccess=", "Exec", "Restart", "Watchdog", "LoadCredential", "State")
    kept = [line for line in ours if not line.startswith((*other, "WorkingDirectory="))]
    (ETC / "extras.py").write_text(EXTRAS)
    run_it = "Type=oneshot\nExecStart=/opt/polyai-bridge/bin/python /etc/polyai-bridge/extras.py"
    unit = "\n".join(kept).replace("[Service]", f"[Service]\n{run_it}")
    (UNITS / "extras.service").write_text(unit)


def modes(directory: Path) -> dict[str, str]:
    """Of a directory and what is in it: modes, and whether it is root's."""
    return {
        path.name: f"{path.stat().st_mode & 0o7777:o}{' root' if path.stat().st_uid == 0 else ''}"
        for path in (directory, *directory.iterdir())
    }


async def crashed(stage: Stage) -> dict[str, Any]:
    """Killed: it is started again."""
    before = shown()
    os.kill(int(before["MainPID"]), 9)
    await until(lambda: shown()["NRestarts"] == "1" and shown()["ActiveState"] == "active")
    after = shown()
    thread = await stage.mention("say again")
    await until(lambda: "again" in stage.told(thread))
    return {
        "another": before["MainPID"] != after["MainPID"],
        "restarts": after["NRestarts"],
        "told": stage.told(thread),
    }


async def stopped(stage: Stage) -> dict[str, Any]:
    """Stopped and started while people write: each word is heard and answered once."""
    channels = [stage.slack.add_channel(f"channel{number}") for number in range(5)]
    places = {channel: await stage.mention("say ready", channel=channel) for channel in channels}
    words = [f"w{number}" for number in range(25)]
    writing = asyncio.create_task(written(stage, places, words))
    await asyncio.sleep(0.7)
    began = asyncio.get_running_loop().time()
    code = await systemctl("stop", "polyai-bridge")
    took = asyncio.get_running_loop().time() - began
    state = shown()
    await systemctl("start", "polyai-bridge")
    await writing

    def told() -> list[str]:
        everywhere = (stage.told(thread, channel=channel) for channel, thread in places.items())
        return sorted(word for thread in everywhere for word in thread if word in words)

    await until(lambda: len(told()) >= len(words))
    await stage.quiet()
    return {
        "code": code,
        "took": took,
        "result": state["Result"],
        "said": sorted(words),
        "heard": sorted(h.removeprefix("say ") for h in stage.heard() if h[4:] in words),
        "told": told(),
    }


async def written(stage: Stage, places: dict[str, str], words: list[str]) -> None:
    for word, (channel, thread) in zip(words, itertools.cycle(places.items())):
        await stage.reply(thread, f"say {word}", channel=channel)
        await asyncio.sleep(0.1)


async def stuck(stage: Stage) -> dict[str, Any]:
    """A lane stands still in a loop that lives: the watchdog ends it, and the next life sends."""
    directory = UNITS / "polyai-bridge.service.d"
    (directory / "stuck.conf").write_text(STUCK)
    run("systemctl", "daemon-reload")
    await systemctl("restart", "polyai-bridge")
    await until(lambda: stage.slack.sockets)
    before = shown()
    thread = await stage.mention(f"say {WORD}")
    told: list[tuple[int, tuple[int, str]]] = []

    async def look() -> None:
        while True:
            told.append(((await asked("/live"))[0], await asked("/ready")))
            await asyncio.sleep(0.2)

    looking = asyncio.create_task(look())
    await until(lambda: shown()["NRestarts"] == "1" and shown()["ActiveState"] == "active")
    looking.cancel()
    await until(lambda: WORD in stage.told(thread))
    await stage.quiet()
    journal = run(*JOURNAL)
    (directory / "stuck.conf").unlink()
    run("systemctl", "daemon-reload")
    return {
        "another": before["MainPID"] != shown()["MainPID"],
        "live": sorted({live for live, _ in told}),
        "causes": [body for _, (code, body) in told if code == 503 and "progress" in body][-1:],
        "told": [words for words in stage.told(thread) if words == WORD],
        "stuck": [line for line in journal.splitlines() if "progress.stuck" in line],
        "errors": run(*JOURNAL, "--priority=err").splitlines(),
        "watchdog": [line for line in journal.splitlines() if "Watchdog timeout" in line],
        "trace": [line for line in journal.splitlines() if "most recent call first" in line],
    }


async def second(stage: Stage) -> dict[str, Any]:
    """Another instance beside it, by the template."""
    code = await systemctl("start", "polyai-bridge@second")
    live = await asked("/live", 8081)
    directory = modes(Path("/var/lib/private/polyai-bridge-second"))
    return {"code": code, "live": live[0], "state_directory": directory,
            "stopped": await systemctl("stop", "polyai-bridge@second")}  # fmt: skip


async def misconfigured(_stage: Stage) -> dict[str, Any]:
    """What a restart does not mend is not restarted."""
    with (ETC / "bridge.toml").open("a") as file:
        file.write("\n[nonsense]\nkey = 1\n")
    code = await systemctl("restart", "polyai-bridge")
    await asyncio.sleep(1.5)  # three times as long as it would wait
    state = shown()
    return {
        "code": code,
        "state": state["ActiveState"],
        "status": state["ExecMainStatus"],
        "restarts": state["NRestarts"],
    }


async def judged(
    part: Callable[[Stage], Awaitable[dict[str, Any]]], stage: Stage, seen: dict[str, Any]
) -> None:
    """What it saw, or how it failed; and how long it took."""
    began = asyncio.get_running_loop().time()
    try:
        found = await part(stage)
    except Exception:
        found = {"failed": traceback.format_exc()}
    seen[part.__name__] = found | {"seconds": asyncio.get_running_loop().time() - began}


async def main() -> None:
    clock, ids = SystemClock(), RandomIds()
    polyai = PolyAISimulator(clock=clock, ids=ids)
    ladder = (timedelta(milliseconds=500),) * 40
    slack = SlackSimulator(clock=clock, ids=ids, ladder=ladder, limits=RateLimits.off())
    seen: dict[str, Any] = {}
    async with polyai, slack:
        stage = Stage(polyai, slack, Path("/tmp"))  # noqa: S108 - of a machine that is ours alone
        install(stage)
        beside = asyncio.gather(judged(extras, stage, seen), judged(second, stage, seen))
        for part in (started, crashed, stopped, stuck, misconfigured):
            await judged(part, stage, seen)
            if part is stopped:
                await beside
            Path("/result/seen").write_text(json.dumps(seen, indent=1))
            journal = run("journalctl", "--no-pager", "--unit=polyai-bridge*")
            Path("/result/journal").write_text(journal)


if __name__ == "__main__":
    asyncio.run(main())
    sys.exit(0)
