"""Values: immutable, compared by content, able to become JSON and come back."""

import msgspec
import pytest

from bridge.model import frames as f
from bridge.model.delivery import Ask, Post, Replace, Retire
from bridge.model.ids import DeliveryId
from bridge.model.inbound import (
    CancelAsked,
    Clicked,
    EndAsked,
    InboundBody,
    RetryAsked,
    Said,
    StartAsked,
)
from bridge.model.messages import Choice, Control, Notice, NoticeKind
from bridge.testing.builders import ANN, frame, piece, said
from bridge.testing.clock import NOON

DELIVERY = DeliveryId("c1.1")


def test_a_value_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        ANN.name = "Eve"  # type: ignore[misc]


def test_values_are_equal_by_content() -> None:
    assert frame(said("x"), 3) == frame(said("x"), 3)
    assert frame(said("x"), 3) != frame(said("x"), 4)


@pytest.mark.parametrize(
    "value",
    [
        frame(piece("a", 1, complete=True), 7, client_event_id="x"),
        f.Frame(at=NOON, body=f.Unknown("EVENT_TYPE_NEW")),
        frame(said("x", "m", "yes")),
    ],
)
def test_a_frame_comes_back_from_json(value: f.Frame) -> None:
    assert msgspec.json.decode(msgspec.json.encode(value), type=f.Frame) == value


@pytest.mark.parametrize(
    "body",
    [
        Post(Notice(NoticeKind.ENDED, {"reason": "x"}, controls=(Control.START,))),
        Replace(DELIVERY, Notice(NoticeKind.HANDOFF_WAITING)),
        Retire(DELIVERY, Choice("red", ANN)),
        Ask("hello", ANN),
    ],
)
def test_what_is_owed_comes_back_from_json(body: Post | Replace | Retire | Ask) -> None:
    kept = msgspec.json.encode(body)
    assert msgspec.json.decode(kept, type=Post | Replace | Retire | Ask) == body


@pytest.mark.parametrize(
    "body",
    [
        Said("hi"),
        Clicked(DELIVERY, 1),
        EndAsked(),
        StartAsked(),
        RetryAsked(DELIVERY),
        CancelAsked(DELIVERY),
    ],
)
def test_what_was_told_comes_back_from_json(body: InboundBody) -> None:
    assert msgspec.json.decode(msgspec.json.encode(body), type=InboundBody) == body


def test_a_field_that_is_not_known_yet_does_no_harm() -> None:
    later = b'{"type": "said", "text": "hi", "mood": "good"}'
    assert msgspec.json.decode(later, type=InboundBody) == Said("hi")
