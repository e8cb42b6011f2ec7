"""Does the page for whoever watches the bridge say what it publishes?"""

import re
from pathlib import Path

import pytest

from bridge.core.standing import stage
from bridge.plugin import Accepted
from bridge.polyai.handshake import Refusal
from bridge.polyai.socket import Closing
from bridge.runtime.adapters.calling import VERBS
from bridge.runtime.delivering.outcomes import word
from bridge.runtime.reporting.metrics import Leg, Metrics
from bridge.runtime.watching.trouble import Dependency
from bridge.store import DIRECTIONS

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
#: name: type, labels, meaning, what to look for
ROWS = {
    cells[0].strip("` "): [cell.strip() for cell in cells[1:]]
    for cells in re.findall(
        r"^\|( `[a-z_]+`) \|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|$", PAGE, re.MULTILINE
    )
}


def published() -> dict[str, str]:
    """What there is, with its type, by the name that is asked for."""
    families = Metrics().registry.collect()
    return {f"{f.name}_total" if f.type == "counter" else f.name: f.type for f in families}


def test_every_figure_is_explained_and_every_one_explained_exists() -> None:
    assert published() == {name: row[0] for name, row in ROWS.items()}


@pytest.mark.parametrize("name", [name for name in ROWS if name.startswith("polyai_")])
def test_it_is_told_by_which_labels(name: str) -> None:
    assert re.findall(r"`(\w+)`", ROWS[name][1]) == list(Metrics().labels[name])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("polyai_bridge_trouble", list(Dependency)),
        ("polyai_bridge_hop_seconds", list(Leg)),
        ("polyai_bridge_inbound_total", list(Accepted)),
        ("polyai_bridge_deliveries_total", [word(Exception())]),
        ("polyai_bridge_owed", list(DIRECTIONS)),
        ("polyai_bridge_dead_letters", list(DIRECTIONS)),
        ("polyai_bridge_adapter_call_seconds", [verb.name for verb in VERBS]),
        ("polyai_bridge_handshakes_total", ["opened", "unreachable", *Refusal]),
        ("polyai_bridge_reconnects_total", ["renewed", "recycled", *Closing]),
    ],
)
def test_the_words_of_labels_are_told(name: str, words: list[str]) -> None:
    for one in words:
        assert f"`{one}`" in ROWS[name][2], (name, one)


def test_the_stages_of_a_session_are_told() -> None:
    code = Path(stage.__code__.co_filename).read_text("utf-8")
    body = code.partition("def stage")[2].partition("\n\n\n")[0]
    stages = set(re.findall(r'"([a-z]+)"', body)) - {"closed"}
    assert stages == set(re.findall(r"`([a-z]+)`", ROWS["polyai_bridge_sessions"][2]))
