"""Does the dashboard ask for what there is, and can its panels be read?"""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # no types come with it

from bridge.runtime.reporting.metrics import Metrics
from tests.unit.deploy.watchmen import ROOT, alerts, needs_promtool, promtool, unknown

FILE = ROOT / "bridge" / "deploy" / "grafana-dashboard.json"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
ALL: list[dict[str, Any]] = DASHBOARD["panels"]
PANELS = [panel for panel in ALL if panel["type"] != "row"]
#: Everything it asks Prometheus for, with Grafana's variables as they stand in it.
ASKED = [
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
    *(one["expr"] for one in DASHBOARD["annotations"]["list"]),
]
VARIABLES = {one["name"]: one for one in DASHBOARD["templating"]["list"]}


@needs_promtool
def test_prometheus_understands_every_question(tmp_path: Path) -> None:
    rules = [
        {"record": f"asked:{number}", "expr": filled(expression)}
        for number, expression in enumerate(ASKED)
    ]
    file = tmp_path / "asked.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))

    assert not promtool("check", "rules", file)


def filled(expression: str) -> str:
    """As Grafana sends it."""
    return re.sub(r"\$\w+", ".*", expression.replace("$__rate_interval", "5m"))


def test_it_asks_for_figures_and_labels_that_exist() -> None:
    for expression in ASKED:
        assert not unknown(expression), expression
        assert set(re.findall(r"\$(\w+)", expression)) <= {*VARIABLES, "__rate_interval"}


def test_every_figure_is_shown_somewhere() -> None:
    """But for what says the same as another."""
    shown = " ".join(ASKED)
    missing = {name for name in Metrics().labels if not re.search(rf"{name}(?!\w)", plain(shown))}
    assert missing == {"polyai_bridge_deliveries_owed"}


def plain(expression: str) -> str:
    """Histograms by their own names."""
    return re.sub(r"_(bucket|sum|count)\b", "", expression)


def test_what_can_be_chosen_exists_and_is_asked_of_the_chosen_source() -> None:
    assert list(VARIABLES) == ["datasource", "job", "instance", "adapter", "agent"]
    for name in ("job", "instance", "adapter", "agent"):
        definition = VARIABLES[name]["definition"]
        (asked,) = re.findall(rf"^label_values\((.*), {name}\)$", definition)
        assert not unknown(asked)
    sources = {json.dumps(panel["datasource"]) for panel in PANELS}
    assert sources == {json.dumps({"type": "prometheus", "uid": "${datasource}"})}


def test_every_panel_says_what_it_shows_in_which_unit_and_where_help_is() -> None:
    known = {name.lower() for name in alerts()}
    for panel in PANELS:
        title, targets = panel["title"], panel["targets"]
        assert panel["description"].endswith("."), title
        assert panel["fieldConfig"]["defaults"]["unit"], title
        assert [target["refId"] for target in targets] == list("ABCDEF"[: len(targets)]), title
        anchors = {link["url"].partition("#")[2] for link in panel["links"]}
        assert anchors <= known, title
        assert anchors or title == "Version"


def test_every_alert_is_linked_from_a_panel_that_shows_its_figures() -> None:
    linked = {link["url"].partition("#")[2] for panel in PANELS for link in panel["links"]}
    assert {name.lower() for name in alerts()} - linked == {"polyaibridgeabsent"}


def test_panels_have_ids_of_their_own_and_lie_side_by_side() -> None:
    assert len({panel["id"] for panel in ALL}) == len(ALL)
    for panel in ALL:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24, panel["title"]
    for one, other in combinations(ALL, 2):
        assert not overlapping(one["gridPos"], other["gridPos"]), (one["title"], other["title"])


def overlapping(one: dict[str, int], other: dict[str, int]) -> bool:
    across = one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
    down = one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]
    return across and down
