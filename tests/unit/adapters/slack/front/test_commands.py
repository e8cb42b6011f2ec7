"""Does a command want what was typed, and is its end named for ever?"""

from datetime import UTC, datetime

import pytest

from adapters.slack import ids
from adapters.slack.front.commands import Wanted, ending, wanted
from adapters.slack.reading.interactions import Command
from adapters.slack.reading.words import NO_WORDS
from adapters.slack.settings.control_settings import ControlSettings
from bridge.model.ids import AgentName, PersonId, ThreadKey
from bridge.plugin import Glimpse

WORDS = ControlSettings(control_words={"end": ("beenden",), "status": ("stand",)}).words
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TYPED = Command(text="end", team="T1", channel="C2", person=PersonId("U1"), trigger="13.37")
OPEN = Glimpse(
    thread=ThreadKey("T1:C1:1772366400.000100"),
    agent=AgentName("default"),
    opened_at=NOON,
    touched_at=NOON,
)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("", Wanted.LIST),
        ("  Status! ", Wanted.LIST),
        ("Stand", Wanted.LIST),
        ("END", Wanted.END),
        ("beenden", Wanted.END),
        ("help", Wanted.HELP),
        ("person", Wanted.HELP),  # which thread would that be about?
        ("end it all", Wanted.HELP),
        ("\U0001f44b", Wanted.LIST),
    ],
)
def test_a_command_wants_a_list_an_end_or_help(text: str, want: Wanted) -> None:
    assert wanted(text, WORDS) is want


def test_without_configured_words_its_own_still_count() -> None:
    assert wanted("end", NO_WORDS) is Wanted.END
    assert wanted("stop", NO_WORDS) is Wanted.HELP


def test_an_end_by_command_is_in_its_thread_and_named_by_the_trigger() -> None:
    ts = ids.ts_of(NOON)
    inbound = ending(TYPED, OPEN, ts)
    assert (inbound.thread, inbound.place, inbound.at) == (OPEN.thread, "C1", NOON)
    assert inbound.identities == ("command:T1:U1:13.37",)
    assert inbound.order == ids.order_of(ts)
    assert not inbound.opens
