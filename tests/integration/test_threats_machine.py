"""Others on the machine, as the threat model has them: what the bridge leaves within reach."""

import asyncio
import json
import os
import re
import resource
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.misfit.place import TOKEN, MisfitPlace, misfit_place
from tests.stage import Stage, staged

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="what a process is told of itself is /proc"),
]

threat = pytest.mark.threat
#: Nobody in particular.
STRANGER = 65_534
#: How a connection ends that is not answered: nothing went wrong, or it was reset.
REFUSED = {
    "",
    "ConnectionResetError: [Errno 104] Connection reset by peer",
    "BrokenPipeError: [Errno 32] Broken pipe",
}


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MisfitPlace]:
    async with misfit_place(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
async def open_stage() -> AsyncIterator[Stage]:
    """The same in a directory that every user gets to."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        if not all(each.stat().st_mode & stat.S_IXOTH for each in directory.parents):
            pytest.skip("where temporary files are made nobody else gets to")
        async with staged(directory) as there:
            yield there


@threat("T-60")
async def test_all_that_a_running_bridge_writes_is_its_users_alone(stage: Stage) -> None:
    thread = await stage.opened()
    await stage.run_command("conversations", "list")
    written = [path for path in stage.directory.iterdir() if path.name.startswith("bridge.db")]

    assert {"bridge.db", "bridge.db-wal", "bridge.db.lock", "bridge.db.control"} <= {
        path.name for path in written
    }
    assert {oct(path.stat().st_mode & 0o777) for path in written} == {"0o600"}
    assert "\nUmask:\t0077\n" in Path(f"/proc/{stage.pid}/status").read_text()
    assert thread


@threat("T-60")
@pytest.mark.skipif(os.geteuid() != 0, reason="to be somebody else takes root")
async def test_another_user_reads_nothing_even_where_the_directory_is_open(
    open_stage: Stage,
) -> None:
    await open_stage.started()
    await open_stage.opened()
    for name in ("bridge.db", "bridge.db-wal"):
        code = f"open({str(open_stage.directory / name)!r}, 'rb')"
        assert "PermissionError" in as_a_stranger(code), name
    name = str(open_stage.directory / "bridge.db.control")
    code = f"import socket; socket.socket(socket.AF_UNIX).connect({name!r})"
    assert "PermissionError" in as_a_stranger(code)
    Path(name).chmod(0o666)  # and who asks is looked at besides
    code = (
        f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({name!r}); s.settimeout(20); "
        's.sendall(b\'{"verb": "status"}\\n\'); assert not s.recv(1)'
    )
    assert as_a_stranger(code).rpartition("\n")[0].rpartition("\n")[2] in REFUSED
    assert as_a_stranger(f"open({str(open_stage.log)!r}, 'rb')") == ""  # it does get there


def as_a_stranger(code: str) -> str:
    """What goes wrong when somebody else runs that."""
    done = subprocess.run(
        ["/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable, "-c", code],
        user=STRANGER, group=STRANGER, extra_groups=[], cwd="/", capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return done.stderr


@threat("T-62")
async def test_what_others_could_read_is_told_by_the_check_and_in_the_log(
    open_stage: Stage,
) -> None:
    stage = open_stage
    stage.config.chmod(0o644)
    code, out, _ = await stage.run_command("check")
    await stage.started()
    assert code == 0
    assert "connector_token" in out.partition("can be read by every user of this machine")[0]
    assert f"chmod o-rwx {stage.config}" in out
    assert "config.exposed" in stage.log.read_text()
    assert "simulated-connector-token" not in out + stage.log.read_text()


@threat("T-61")
@threat("T-63")
@threat("T-71")
async def test_processes_show_no_secret_leave_no_image_of_their_memory_and_are_one_user(
    place: MisfitPlace,
) -> None:
    """The last is the boundary as the page states it: isolation is not against malice."""
    place.add()
    soft, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))  # where a shell would allow dumps
    try:
        await place.stage.started()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, most))
    await place.until_ready_says('"misfit": "connected"')
    (child,) = place.children()
    both = [Path(f"/proc/{process}") for process in (child, place.stage.pid)]
    seen = "".join(
        [*((each / "cmdline").read_text() for each in both), (both[0] / "environ").read_text()]
    )
    limits = [(each / "limits").read_text() for each in both]

    for secret in ("simulated-connector-token", "xoxb-simulated", "xapp-simulated", TOKEN):
        assert secret not in seen
    assert all(re.search(r"Max core file size +1 ", each) for each in limits)
    assert len({each.stat().st_uid for each in both}) == 1
    page = (Path(__file__).parents[2] / "docs" / "threat-model.md").read_text()
    assert "runs as the same user as the bridge" in page.replace("\n", " ")


@threat("T-64")
async def test_the_control_socket_asks_for_nothing_from_others_and_answers_no_nonsense(
    stage: Stage,
) -> None:
    await stage.opened()
    path = stage.directory / "bridge.db.control"
    for sent in (b"\n", b"hunter2\n", b"[" * 60_000 + b"\n", b"a" * 10_000_000, b"{}\n", b"\xff\n"):
        answer = await asked(path, sent)
        assert b"hunter2" not in answer
        assert b"Traceback" not in answer
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert not stage.dead
    again = await stage.mention("say still here")
    await stage.until(lambda: "still here" in stage.told(again))


async def asked(path: Path, sent: bytes) -> bytes:
    """What it is answered to that line, if anything, until it hangs up."""
    connection = socket.socket(socket.AF_UNIX)
    directory = os.open(path.parent, os.O_PATH)
    connection.connect(f"/proc/self/fd/{directory}/{path.name}")
    os.close(directory)
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    try:
        async with asyncio.timeout(40):
            writer.write(sent)
            await writer.drain()
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@threat("T-65")
async def test_names_that_hold_escape_sequences_move_nobodys_terminal(stage: Stage) -> None:
    evil = "Eve\x1b]0;owned\x07\x1b[2J\u009b31m\u202e\r\nforged line"
    eve = stage.slack.add_user(evil)
    text = f"<@{stage.slack.bot_user_id}> say \x1b[31mhello"
    thread = await stage.slack.say(stage.channel, eve, text)
    await stage.until(lambda: stage.told(thread))
    _, listed, _ = await stage.run_command("conversations", "list")
    identity = listed.splitlines()[1].split()[0]
    shown = [
        await stage.run_command("conversations", "show", identity, *more)
        for more in ((), ("--json",))
    ]
    printed = [listed, *(out + err for _, out, err in shown), stage.log.read_text()]

    assert not [c for out in printed for c in out if not (c.isprintable() or c == "\n")]
    assert json.loads(shown[1][1])["id"] == identity
