"""What is read when somebody asks."""

import logging

from bridge.model.ids import AdapterName, AgentName
from bridge.runtime.reporting.metrics import Metrics
from bridge.runtime.reporting.publishing import lines_counted, publish_health
from bridge.runtime.watching.status import Status


def test_what_is_wrong_is_published_and_ends() -> None:
    status = Status()
    publish_health(status)
    read = status.metrics.registry.get_sample_value
    assert read("polyai_bridge_ready") == 1

    status.adapter(AdapterName("slack"), connected=False, detail="no route")
    status.agent(AgentName("default"), "refused")
    status.database("full")

    assert read("polyai_bridge_ready") == 0
    for dependency, name in (("adapter", "slack"), ("agent", "default"), ("database", "")):
        labels = {"dependency": dependency, "name": name}
        assert read("polyai_bridge_trouble", labels) == 1, dependency

    status.database(None)
    assert read("polyai_bridge_trouble", {"dependency": "database", "name": ""}) is None
    assert b"no route" not in status.metrics.published()


async def test_lines_of_the_log_are_counted_by_level_as_long_as_it_runs() -> None:
    metrics = Metrics()
    library = logging.getLogger("somebody.elses")
    async with lines_counted(metrics):
        library.warning("hm")
        library.error("oh")
        library.log(45, "a level of their own")
    library.error("after the end")

    counted = metrics.registry.get_sample_value
    assert counted("polyai_bridge_log_lines_total", {"level": "warning"}) == 1
    assert counted("polyai_bridge_log_lines_total", {"level": "error"}) == 2
