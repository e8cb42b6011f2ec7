"""What a step must know is worked out once, and anew when an adapter shows something else."""

from pathlib import Path

from bridge.config import load
from bridge.core.state import Conversation
from bridge.model.ids import ConversationId, ThreadKey
from bridge.plugin import Capabilities, Grade
from bridge.runtime.terms import KnownTerms
from bridge.testing.clock import NOON
from tests.unit.store.given import DEFAULT, SLACK

CONFIGURED = """
[agents.default]
base_url = "https://polyai.example"
connector_token = "connector-sesame-1"
host = "https://www.example.com"
[adapters.slack]
type = "console"
deletions = "keep"
"""


def test_what_an_adapter_learns_to_show_counts_from_the_next_step_on(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(CONFIGURED)
    terms = KnownTerms(load(file, {}), {}, [])
    told = Conversation(
        id=ConversationId("c1"),
        adapter=SLACK,
        thread=ThreadKey("T1"),
        agent=DEFAULT,
        opened_at=NOON,
        touched_at=NOON,
    )
    before = terms.of(told)

    terms.learn(SLACK, None)
    assert terms.of(told) is before
    terms.learn(SLACK, Capabilities(edits=Grade.FULL))

    assert not before.shows.edits
    assert terms.of(told).shows.edits
    assert terms.of(told).deletions == "keep"
