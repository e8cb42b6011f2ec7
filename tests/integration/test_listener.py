"""`/live`, `/ready` and `/metrics`, as a monitor meets them."""

import re
from pathlib import Path

import aiohttp
import pytest

from tests.stage import staged

pytestmark = pytest.mark.integration


async def test_health_and_metrics_are_served(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, aiohttp.ClientSession() as http:
        await stage.started()
        thread = await stage.mention("say hi")
        await stage.until(lambda: "hi" in stage.told(thread))
        port = re.findall(r"listener.ready.*?port=(\d+)", stage.log.read_text())[-1]
        answers = {}
        for path in ("live", "ready", "metrics"):
            async with http.get(f"http://127.0.0.1:{port}/{path}") as answer:
                answers[path] = answer.status, await answer.text()

        assert answers["live"] == (200, "live\n")
        assert answers["ready"][0] == 200
        assert (
            'polyai_bridge_inbound_total{adapter="slack",outcome="new"} 1.0'
            in answers["metrics"][1]
        )
        assert "polyai_bridge_sockets_open 1.0" in answers["metrics"][1]


async def test_ready_names_the_cause_while_an_adapter_is_away(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, aiohttp.ClientSession() as http:
        stage.slack.http_error("auth.test", 503, 1000, after_doing=False)
        await stage.start()
        found = await stage.until(
            lambda: re.findall(r"listener.ready.*?port=(\d+)", stage.log.read_text())
        )
        await stage.until(lambda: "adapter.disconnected" in stage.log.read_text())
        async with http.get(f"http://127.0.0.1:{found[-1]}/ready") as answer:
            assert answer.status == 503
            assert "adapter slack" in (await answer.json())["causes"][0]
