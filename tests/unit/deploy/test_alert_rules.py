"""Do the alert rules fire when they should, and never when all is well? Prometheus says."""

import re
from pathlib import Path

from bridge.runtime.reporting.metrics import Leg
from bridge.runtime.watching.trouble import Dependency
from tests.unit.deploy.watchmen import (
    ROOT,
    RULES,
    Series,
    alerts,
    firing,
    judged,
    needs_promtool,
    promtool,
    rules,
    scene,
    unknown,
)

_PREFIX = "polyai_bridge_"
_IT = {"job": "polyai-bridge", "instance": "b1:8080"}
_SLACK = {"adapter": "slack", **_IT}


def named(name: str, /, **labels: str) -> str:
    """A series of the bridge's."""
    whole = name if name.startswith(("up", "process_")) else f"{_PREFIX}{name}"
    inner = ",".join(f'{label}="{value}"' for label, value in (labels | _IT).items())
    return f"{whole}{{{inner}}}"


def times(name: str, fast: str, slow: str, /, **labels: str) -> dict[str, str]:
    """A histogram: how many a minute take at most a tenth of a second, and at most five minutes."""
    return {
        named(f"{name}_bucket", le="0.1", **labels): f"0+{fast}x200",
        named(f"{name}_bucket", le="300", **labels): f"0+{slow}x200",
        named(f"{name}_bucket", le="+Inf", **labels): f"0+{slow}x200",
    }


def hops(*late: Leg) -> dict[str, str]:
    """Ten messages a minute, quick on all legs but these."""
    return {
        series: values
        for leg in Leg
        for series, values in times(
            "hop_seconds", "5" if leg in late else "10", "10", hop=leg, adapter="slack"
        ).items()
    }


#: A busy bridge that is well, for more than three hours.
WELL: Series = {
    named("up"): "1x200",
    named("ready"): "1x200",
    named("build_info", version="1", python="3.11"): "1x200",
    named("process_start_time_seconds"): "1000x200",
    named("process_open_fds"): "300x200",
    named("process_max_fds"): "1024x200",
    named("adapter_restarts_total", adapter="slack"): "1x200",
    named("deliveries_in_doubt", adapter="slack"): "_ 0x20 1 2 0x50 1x128",
    named("deliveries_held", adapter="slack"): "1x200",
    named("twins_total", adapter="slack", outcome="seen"): "0x30 1x170",
    named("twins_total", adapter="slack", outcome="removed"): "0x30 1x170",
    named("rate_limited_total", adapter="slack", call="deliver"): "0+0.5x200",
    named("wait_seconds", adapter="slack", call="deliver"): "0x30 90 30 0x168",
    named("reconnects_total", agent="default", reason="dropped"): "0+0.2x200",
    named("reconnects_total", agent="default", reason="renewed"): "0+5x200",
    named("sockets_open"): "40x200",
    named("log_lines_total", level="error"): "0+0.5x200",
    named("log_lines_total", level="info"): "0+500x200",
    named("database_bytes", file="wal"): "4000000x200",
    named("disk_free_bytes"): "9000000000-1000000x200",
    named("dead_letters_unseen"): "9x200",
    named("alerts_total", outcome="sent"): "0+0.1x200",
    named("alerts_total", outcome="failed"): "0x200",
    **hops(),
    **times("heartbeat_seconds", "20", "20", agent="default"),
    **times("commit_seconds", "50", "50"),
    **times("loop_lag_seconds", "60", "60"),
}


def trouble(dependency: Dependency, name: str) -> Series:
    return {named("trouble", dependency=dependency, name=name): "_x99 1x100"}


def expected(alert: str, dependency: Dependency, name: str) -> str:
    return firing(alert, dependency=dependency, name=name, **_IT)


#: For each alert: what is otherwise, and what fires then.
WRONG: dict[str, tuple[Series, list[str]]] = {
    "PolyAIBridgeDown": (
        {named("up"): "1x100 0x99"},
        [firing("PolyAIBridgeDown", **_IT)],
    ),
    "PolyAIBridgeAbsent": (
        {named("ready"): "1x80"},
        [firing("PolyAIBridgeAbsent")],
    ),
    "PolyAIBridgeRestartLoop": (
        {named("process_start_time_seconds"): "1x105 2x4 3x4 4x80"},
        [firing("PolyAIBridgeRestartLoop", **_IT)],
    ),
    "PolyAIBridgeNotReady": (
        {named("ready"): "1x100 0x99"},
        [firing("PolyAIBridgeNotReady", **_IT)],
    ),
    "PolyAIBridgeAdapterDown": (
        trouble(Dependency.ADAPTER, "slack"),
        [expected("PolyAIBridgeAdapterDown", Dependency.ADAPTER, "slack")],
    ),
    "PolyAIBridgeAgentDown": (
        trouble(Dependency.AGENT, "default"),
        [expected("PolyAIBridgeAgentDown", Dependency.AGENT, "default")],
    ),
    "PolyAIBridgeDatabaseFailing": (
        trouble(Dependency.DATABASE, ""),
        [firing("PolyAIBridgeDatabaseFailing", dependency="database", **_IT)],
    ),
    "PolyAIBridgeDiskLow": (
        trouble(Dependency.DISK, ""),
        [firing("PolyAIBridgeDiskLow", dependency="disk", **_IT)],
    ),
    "PolyAIBridgeBacklog": (
        trouble(Dependency.BACKLOG, "thread"),
        [expected("PolyAIBridgeBacklog", Dependency.BACKLOG, "thread")],
    ),
    "PolyAIBridgeDeadLetters": (
        trouble(Dependency.DEAD_LETTERS, ""),
        [firing("PolyAIBridgeDeadLetters", dependency="dead_letters", **_IT)],
    ),
    "PolyAIBridgeDeadLettersUnseen": (
        {named("dead_letters_unseen"): "9x40 10x160"},
        [firing("PolyAIBridgeDeadLettersUnseen", **_IT)],
    ),
    "PolyAIBridgeStuck": (
        trouble(Dependency.PROGRESS, "dispatcher"),
        [expected("PolyAIBridgeStuck", Dependency.PROGRESS, "dispatcher")],
    ),
    "PolyAIBridgeAdapterRestarting": (
        {named("adapter_restarts_total", adapter="slack"): "1x105 2+1x94"},
        [firing("PolyAIBridgeAdapterRestarting", **_SLACK)],
    ),
    "PolyAIBridgeInDoubtRising": (
        {named("deliveries_in_doubt", adapter="slack"): "1x80 2+1x119"},
        [firing("PolyAIBridgeInDoubtRising", **_SLACK)],
    ),
    "PolyAIBridgeHeld": (
        {named("deliveries_held", adapter="slack"): "1x110 2x89"},
        [firing("PolyAIBridgeHeld", **_SLACK)],
    ),
    "PolyAIBridgeTwinsLeft": (
        {named("twins_total", adapter="slack", outcome="seen"): "0x30 1x60 2x110"},
        [firing("PolyAIBridgeTwinsLeft", **_SLACK)],
    ),
    "PolyAIBridgeRateLimited": (
        {named("rate_limited_total", adapter="slack", call="deliver"): "0+5x200"},
        [firing("PolyAIBridgeRateLimited", **_SLACK)],
    ),
    "PolyAIBridgeLongWait": (
        {named("wait_seconds", adapter="slack", call="turn"): "0x100 90x100"},
        [firing("PolyAIBridgeLongWait", **_SLACK)],
    ),
    "PolyAIBridgeSlow": (
        hops(Leg.STEP),
        [firing("PolyAIBridgeSlow", hop="step", **_IT)],
    ),
    "PolyAIBridgePostingSlow": (
        hops(Leg.POST, Leg.WHOLE),
        [firing("PolyAIBridgePostingSlow", hop="post", **_IT)],
    ),
    "PolyAIBridgeAgentSlow": (
        hops(Leg.ANSWER),
        [firing("PolyAIBridgeAgentSlow", hop="answer", **_IT)],
    ),
    "PolyAIBridgeHeartbeatSlow": (
        times("heartbeat_seconds", "5", "20", agent="default"),
        [firing("PolyAIBridgeHeartbeatSlow", agent="default", **_IT)],
    ),
    "PolyAIBridgeReconnects": (
        {named("reconnects_total", agent="default", reason="silent"): "0+5x200"},
        [firing("PolyAIBridgeReconnects", **_IT)],
    ),
    "PolyAIBridgeErrorsLogged": (
        {named("log_lines_total", level="error"): "0+4x200"},
        [firing("PolyAIBridgeErrorsLogged", **_IT)],
    ),
    "PolyAIBridgeCommitSlow": (
        times("commit_seconds", "10", "50"),
        [firing("PolyAIBridgeCommitSlow", **_IT)],
    ),
    "PolyAIBridgeLoopLag": (
        times("loop_lag_seconds", "10", "60"),
        [firing("PolyAIBridgeLoopLag", **_IT)],
    ),
    "PolyAIBridgeDiskFilling": (
        {named("disk_free_bytes"): "9000000000-10000000x200"},
        [firing("PolyAIBridgeDiskFilling", **_IT)],
    ),
    "PolyAIBridgeLogOfChangesGrows": (
        {named("database_bytes", file="wal"): "4000000x80 2000000000x120"},
        [firing("PolyAIBridgeLogOfChangesGrows", file="wal", **_IT)],
    ),
    "PolyAIBridgeFilesRunOut": (
        {named("process_open_fds"): "300x80 950x120"},
        [firing("PolyAIBridgeFilesRunOut", **_IT)],
    ),
    "PolyAIBridgeAlertsNotSent": (
        {named("alerts_total", outcome="failed"): "0x110 1x90"},
        [firing("PolyAIBridgeAlertsNotSent", **_IT)],
    ),
}


@needs_promtool
def test_prometheus_takes_the_rules() -> None:
    assert not promtool("check", "rules", "--lint-fatal", RULES)


@needs_promtool
def test_each_alert_fires_alone_when_its_trouble_comes(tmp_path: Path) -> None:
    """Ten minutes between evaluations: it is about what fires, not when, and takes a second."""
    # Most of the work would be histograms that have nothing to do with it.
    base = {name: values for name, values in WELL.items() if "_bucket{" not in name}
    scenes = [
        scene({**base, **otherwise}, "2h", expected=then) for otherwise, then in WRONG.values()
    ]
    assert not judged(tmp_path, *scenes, every="10m")


@needs_promtool
def test_none_fires_at_any_time_while_all_is_well(tmp_path: Path) -> None:
    times = [f"{minutes}m" for minutes in range(0, 121, 5)]
    assert not judged(tmp_path, scene(WELL, *times))


@needs_promtool
def test_labels_that_an_operator_gives_a_target_blind_no_alert(tmp_path: Path) -> None:
    """Both sides of a comparison have them, or neither; such a series matches nothing otherwise."""
    compared = [name for name in alerts() if alerts()[name]["expr"].count(_PREFIX) > 1]
    assert "PolyAIBridgeReconnects" in compared
    base = {name: values for name, values in WELL.items() if "_bucket{" not in name}
    scenes = []
    for alert in compared:
        otherwise, _ = WRONG[alert]
        placed = {
            name.replace("}", ',region="eu"}'): values
            for name, values in {**base, **otherwise}.items()
        }
        seen = scene(placed, "2h")
        asked = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
        seen["promql_expr_test"][0] |= {
            "expr": asked,
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        scenes.append(seen)
    assert not judged(tmp_path, *scenes, every="10m")


@needs_promtool
def test_what_stands_still_is_told_though_the_watchdog_ends_it_in_half_a_minute(
    tmp_path: Path,
) -> None:
    stuck = named("trouble", dependency="progress", name="dispatcher")
    series = {named("ready"): "1x200", stuck: "_x10 1 _x99"}
    then = [expected("PolyAIBridgeStuck", Dependency.PROGRESS, "dispatcher")]
    told = scene(series, "10m", "13m", expected=then)
    assert not judged(tmp_path, told, scene(series, "9m", "17m"))


@needs_promtool
def test_a_rule_that_does_not_fire_is_found(tmp_path: Path) -> None:
    """Or what is above would prove nothing."""
    said = judged(tmp_path, scene(WELL, "5m", expected=[firing("PolyAIBridgeDown", **_IT)]))
    assert "PolyAIBridgeDown" in said


def test_every_alert_is_tried() -> None:
    assert WRONG.keys() == alerts().keys()


def test_every_dependency_that_can_be_in_trouble_has_an_alert() -> None:
    tried = {series for otherwise, _ in WRONG.values() for series in otherwise}
    for dependency in Dependency:
        assert any(f'dependency="{dependency}"' in series for series in tried), dependency


def test_every_alert_says_what_is_wrong_and_where_that_is_explained() -> None:
    for alert, rule in alerts().items():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
        assert rule["annotations"]["runbook_url"].endswith(f"/docs/runbooks.html#{alert.lower()}")


def test_each_alert_has_its_section_in_the_runbooks_and_each_section_its_alert() -> None:
    page = (ROOT / "docs" / "runbooks.md").read_text("utf-8")
    sections = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    told = {section.partition("\n")[0]: section for section in sections}

    assert told.keys() == alerts().keys()
    for alert, section in told.items():
        severity = alerts()[alert]["labels"]["severity"]
        for part in (f"*{severity}*", "**Means.**", "**Look.**", "**Do.**", "**Escalate**"):
            assert part in section, (alert, part)


def test_rules_ask_for_figures_and_labels_that_exist() -> None:
    recorded = [rule["record"] for rule in rules() if "record" in rule]
    for rule in rules():
        expression = rule["expr"]
        for name in recorded:
            expression = expression.replace(name, "recorded")
        assert not unknown(expression), rule


def test_what_does_not_exist_is_found() -> None:
    assert unknown('rate(polyai_bridge_gone_total{job="b"}[5m])') == ["polyai_bridge_gone_total"]
    assert unknown('polyai_bridge_trouble{kind="agent"}') == ["kind"]
    assert unknown("polyai_bridge_hop_seconds") == ["polyai_bridge_hop_seconds"]
