"""An agent's door: everybody goes through it in turn."""

from datetime import timedelta

import pytest

from bridge.core.terms import Shows
from bridge.plugin import Capabilities, Grade, notice_text
from bridge.polyai.refusals import TryLater
from bridge.polyai.wire import encode_message
from bridge.runtime.connecting.agents import MOST_NUMBERS, UNKNOWN, terms_on
from bridge.runtime.connecting.holding import Held
from bridge.testing.builders import ANN
from tests.unit.runtime.far_end import FarEnd


async def test_proving_keeps_to_the_same_door(far: FarEnd) -> None:
    assert await far.door.prove() == "proved"
    far.door.hold.note(TryLater("slow", after=timedelta(seconds=9), status=429, correlation_id=""))
    with pytest.raises(Held):
        await far.door.prove()


async def test_a_frame_is_measured_as_the_wire_does(far: FarEnd) -> None:
    terms = far.door.terms(Capabilities())
    assert terms.frame_size("né", "c1.1", ANN) > terms.frame_size("ne", "c1.1", ANN)
    assert terms.frame_size("né", "c1.1", ANN) == len(encode_message("né", "c1.1", ANN).encode())


def test_what_a_platform_does_not_claim_is_put_into_words(far: FarEnd) -> None:
    terms = far.door.terms(Capabilities(streaming=Grade.FULL, pictures=Grade.PARTIAL))

    assert terms.shows == Shows(
        formatting=False,
        suggestions=False,
        attachments=False,
        authorship=False,
        edits=False,
    )
    assert not terms.streaming  # what cannot be changed cannot be ended
    assert terms.suggestion_limit == MOST_NUMBERS
    assert terms.worded is notice_text


def test_what_a_platform_claims_is_left_to_it(far: FarEnd) -> None:
    grades = dict.fromkeys(
        ("formatting", "suggestions", "pictures", "attachments", "authorship", "edits"), Grade.FULL
    )
    claims = Capabilities(streaming=Grade.PARTIAL, text_limit=99, suggestion_limit=3, **grades)
    terms = far.door.terms(claims)

    assert terms.shows == Shows()
    assert (terms.streaming, terms.text_limit, terms.suggestion_limit) == (True, 99, 3)


def test_suggestions_are_numbered_where_none_can_be_offered() -> None:
    terms = terms_on(Capabilities(suggestions=Grade.FULL))
    assert not terms.shows.suggestions
    assert terms.suggestion_limit == MOST_NUMBERS


def test_of_a_platform_nobody_knows_the_least_is_expected() -> None:
    terms = terms_on(UNKNOWN)

    assert not any(getattr(terms.shows, name) for name in Shows.__struct_fields__)
    assert terms.text_limit == 1000
