"""Do names come back as what they were made of?"""

from datetime import UTC, datetime

import pytest

from adapters.slack import ids
from bridge.model.delivery import Receipt
from bridge.model.ids import DeliveryId
from bridge.model.messages import Control


def test_a_thread_key_round_trips() -> None:
    thread = ids.SlackThread("T1", "C1", "1772366400.000100")
    assert thread.key == "T1:C1:1772366400.000100"
    assert ids.SlackThread.parse(thread.key) == thread


@pytest.mark.parametrize("key", ["", "T1:C1", "T1:C1:x", "T1:c1:1.0", "T1:C1:1.0:2", "T 1:C1:1.0"])
def test_a_foreign_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="not the key"):
        ids.SlackThread.parse(key)


def test_a_receipt_round_trips() -> None:
    spot = ids.Spot("C1", "1772366400.000100")
    assert ids.Spot.parse(spot.receipt) == spot


@pytest.mark.parametrize("reference", ["", "C1", "C1:", ":1.0", "C1:x"])
def test_a_foreign_receipt_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match="not a receipt"):
        ids.Spot.parse(Receipt(reference))


def test_a_button_value_is_compact_and_round_trips() -> None:
    value = ids.ButtonValue("c1.7", "T1", 3, "0a1b")
    assert ids.encode_button(value) == '{"d":"c1.7","t":"T1","i":3,"m":"0a1b"}'
    assert ids.decode_button(ids.encode_button(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "\ud800",
        '{"d":"c"}',
        '{"d":"","t":"T1","i":0}',
        '{"d":"c","t":"t","i":0}',
        '{"d":"c","t":"T1","i":-1}',
        '{"d":"c","t":"T1","i":"1"}',
    ],
)
def test_a_foreign_button_value_is_none(text: str) -> None:
    assert ids.decode_button(text) is None


def test_action_ids_tell_what_was_pressed() -> None:
    assert ids.is_suggestion(ids.suggestion_action(4))
    assert ids.control_of(ids.suggestion_action(4)) is None
    for control in Control:
        assert ids.control_of(ids.control_action(control)) is control
        assert not ids.is_suggestion(ids.control_action(control))
    for action in (ids.open_action(1), "polyai_suggestions", ""):
        assert not ids.is_suggestion(action)
        assert ids.control_of(action) is None


def test_buttons_that_stand_in_old_threads_keep_their_meaning() -> None:
    assert ids.control_of("polyai_restart") is Control.START


def test_the_mark_is_made_of_the_delivery() -> None:
    assert ids.mark(DeliveryId("c1.7")) == "polyai:c1.7"


def test_order_has_a_fixed_width() -> None:
    assert ids.order_of("1772366400.000100") == "001772366400.000100"
    assert ids.order_of("9.5") == "000000000009.500000"


def test_an_instant_is_exact() -> None:
    assert ids.instant_of("1772366400.000101") == datetime(2026, 3, 1, 12, 0, 0, 101, tzinfo=UTC)


@pytest.mark.parametrize("text", ["1772366400", "1.x", "-1.0", "99999999999.0", 1.5, None])
def test_what_is_no_timestamp(text: object) -> None:
    assert not ids.is_ts(text)


@pytest.mark.parametrize(("text", "yes"), [("U1A", True), ("W1", True), ("B1", False), (1, False)])
def test_who_can_be_a_person(text: object, *, yes: bool) -> None:
    assert ids.is_user(text) is yes
