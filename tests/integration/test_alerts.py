"""What the real bridge publishes: each alert fires on it in trouble, and none when all is well.

And whatever happens in conversations, no label of it is an id, a channel or a text.
"""

import asyncio
import re
import resource
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bridge.runtime.watching.trouble import Dependency
from tests.stage import PATIENCE, Stage, staged
from tests.unit.deploy.watchmen import ROOT, alerts, firing, judged, needs_promtool, scene, scraped

pytestmark = pytest.mark.integration

_IT = {"job": "polyai-bridge", "instance": "b1:8080"}
#: Which alert goes by which dependency; the rules say.
ALERT = {
    found[1]: name
    for name, rule in alerts().items()
    if (found := re.search(r'dependency="(\w+)"', rule["expr"]))
}
NOBODY = "http://127.0.0.1:9"
IN_TROUBLE = f"""
[health]
disk_free = "999999GB"
backlog_age = "1s"
dead_letters = 1
[agents.gone]
base_url = "{NOBODY}"
connector_token = "simulated-connector-token"
host = "https://demo.example"
[adapters.away]
type = "slack"
bot_token = "xoxb-simulated"
app_token = "xapp-simulated"
api_url = "{NOBODY}/api/"
"""


async def published(stage: Stage) -> str:
    """What Prometheus is told at this moment."""
    found = r"listener\.ready.*? port=(\d+)"
    ports = await stage.until(lambda: re.findall(found, stage.log.read_text()))
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{ports[-1]}/metrics") as answer,
    ):
        return await answer.text()


def troubles(text: str) -> list[tuple[str, str]]:
    """The dependency and the name of each that is published."""
    line = r'^polyai_bridge_trouble\{dependency="(\w*)",name="(\w*)"\} 1\.0$'
    return re.findall(line, text, re.MULTILINE)


def seen_for(text: str, minutes: int) -> dict[str, str]:
    """Prometheus sees it so, unchanged, for so long; and that it was there, it adds itself."""
    target = ",".join(f'{name}="{value}"' for name, value in _IT.items())
    return {f"up{{{target}}}": f"1x{minutes}", **scraped(text, minutes, **_IT)}


async def everything_goes_wrong(stage: Stage) -> None:
    """A delivery dies, the next is put off, and then the disk takes no more."""
    thread = await stage.opened()
    stage.slack.fail("chat.postMessage", "restricted_action")
    await stage.reply(thread, "say nothing")
    await stage.until(lambda: "delivery.dead" in stage.log.read_text())
    stage.slack.rate_limit("chat.postMessage", n=50, after=timedelta(seconds=40))
    await stage.reply(thread, "say later")
    await stage.until(lambda: "slack.slowed_down" in stage.log.read_text())
    _, hard = resource.prlimit(stage.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(stage.pid, resource.RLIMIT_FSIZE, (65_536, hard))
    await stage.reply(thread, "say more")


@needs_promtool
async def test_each_dependency_in_trouble_has_its_alert_fire_on_what_the_bridge_publishes(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        stage.config.write_text(stage.config.read_text() + IN_TROUBLE)
        await stage.started()
        await everything_goes_wrong(stage)
        wanted = set(Dependency) - {Dependency.PROGRESS}  # of which a unit test tells
        text = ""
        async with asyncio.timeout(PATIENCE):
            while not wanted <= {dependency for dependency, _ in troubles(text)}:
                await asyncio.sleep(0.1)
                text = await published(stage)

    there = troubles(text)
    assert {("agent", "gone"), ("adapter", "away"), ("backlog", "thread")} <= set(there)
    named = [({"name": name} if name else {}) | {"dependency": what} for what, name in there]
    expected = [firing(ALERT[one["dependency"]], **one, **_IT) for one in named]
    expected.append(firing("PolyAIBridgeNotReady", **_IT))
    assert not judged(tmp_path, scene(seen_for(text, 20), "15m", expected=expected))


@needs_promtool
async def test_no_alert_fires_on_a_bridge_that_is_well(stage: Stage, tmp_path: Path) -> None:
    await stage.opened()
    await stage.quiet()
    text = await published(stage)

    assert 'polyai_bridge_hop_seconds_count{adapter="slack",agent="",hop="whole"} 1.0' in text
    assert 'polyai_bridge_log_lines_total{level="info"} ' in text
    assert 'polyai_bridge_sessions{state="open"} 1.0' in text
    assert 'polyai_bridge_adapter_call_seconds_count{adapter="slack",call="deliver"} ' in text
    assert not judged(tmp_path, scene(seen_for(text, 90), "0m", "20m", "80m"))


async def test_no_label_is_an_id_whatever_happens_in_conversations(stage: Stage) -> None:
    thread = await stage.opened()
    stage.slack.rate_limit("chat.postMessage", after=timedelta(seconds=1))
    stage.slack.lose_response("chat.postMessage")
    stage.polyai.drop_after_next_message(before_echo=True)
    await stage.reply(thread, "say survivor")
    await stage.until(lambda: "survivor" in stage.told(thread))
    stage.polyai.lose_echo(1)
    stage.polyai.refuse_handshakes(503)
    await stage.reply(thread, "1234")
    await stage.until(lambda: len(stage.told(thread)) > 3)
    stage.slack.fail("chat.postMessage", "restricted_action")
    await stage.reply(thread, "say nothing")
    await stage.until(lambda: "delivery.dead" in stage.log.read_text())
    text = await published(stage)

    assert 'rate_limited_total{adapter="slack",call="deliver"} 1.0' in text
    assert 'reconnects_total{agent="default",reason="dropped"} ' in text
    assert strange(text) == []
    for told in (thread, stage.channel, stage.ann, "survivor", "1234", stage.sessions[0].id):
        assert told not in re.sub(r" \S+$", "", text, flags=re.MULTILINE), told


def strange(text: str) -> list[str]:
    """The values of labels that are neither configured nor on the page of the metrics."""
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    known = {"", "slack", "default", *re.findall(r"`(\w+)`", page)}
    labels = re.findall(r'(\w+)="([^"]*)"', text)
    return [
        f"{name}={value}"
        for name, value in labels
        if value not in known and name not in {"le", "version", "python"}
    ]
