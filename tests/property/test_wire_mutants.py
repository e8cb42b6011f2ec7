"""Would the laws of the decoder notice? Each test breaks one rule of it and expects one to fail."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from bridge.model.frames import Frame
from bridge.polyai import bodies, wire
from bridge.polyai.fields import Object
from bridge.polyai.wire import Decoded
from tests.property import test_wire as laws

pytestmark = pytest.mark.thorough

Patch = pytest.MonkeyPatch
Fault = Callable[[Patch], None]


def searched(law: Callable[..., None]) -> Callable[[], None]:
    """The same law, over the same examples every time, ending at the first failure."""
    inner: Callable[..., None] = law.hypothesis.inner_test  # type: ignore[attr-defined]
    strategies: dict[str, Any] = law.hypothesis._given_kwargs  # type: ignore[attr-defined]
    again = settings(
        max_examples=400,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    searching: Callable[[], None] = again(given(**strategies)(inner))
    return searching


LAWS = [
    laws.test_anything_like_an_event_can_be_decoded,
    laws.test_any_text_or_bytes_can_be_decoded,
    laws.test_any_json_can_be_decoded,
    laws.test_a_message_cut_anywhere_makes_nothing_up,
    laws.test_a_batch_loses_nothing_and_keeps_the_order_of_equals,
    laws.test_what_we_say_comes_back_as_we_said_it,
]


def _numbers_counted_instead_of_read(patch: Patch) -> None:
    read = wire.decode

    def counting(text: str | bytes) -> Decoded:
        decoded = read(text)
        numbered = tuple(
            msgspec.structs.replace(frame, sequence=number)
            for number, frame in enumerate(decoded.frames, 1)
        )
        return msgspec.structs.replace(decoded, frames=numbered)

    patch.setattr(wire, "decode", counting)


def _a_number_from_the_body(patch: Patch) -> None:
    frame = wire._frame

    def generous(event: Object, problems: list[str], *, alone: bool) -> Frame | None:
        payload = event.get("payload")
        inner = payload.get("sequence") if isinstance(payload, dict) else None
        return frame({"sequence": inner} | event, problems, alone=alone)

    patch.setattr(wire, "_frame", generous)


def _a_half_number_rounded(patch: Patch) -> None:
    def rounded(*values: object) -> int | None:
        for value in values:
            if isinstance(value, int | float) and value == value and 0 <= value < 2**60:
                return int(value)
        return None

    patch.setattr(wire, "as_number", rounded)


def _a_number_too_large_for_a_column(patch: Patch) -> None:
    def boundless(*values: object) -> int | None:
        return next((v for v in values if isinstance(v, int) and v >= 0), None)

    patch.setattr(wire, "as_number", boundless)


def _what_cannot_be_read_raises(patch: Patch) -> None:
    patch.setattr(wire, "_parse", msgspec.json.decode)


def _a_batch_in_the_order_it_came(patch: Patch) -> None:
    patch.setattr(wire, "_by_sequence", lambda frame: 0)


def _those_without_a_number_first(patch: Patch) -> None:
    patch.setattr(wire, "_by_sequence", lambda frame: frame.sequence or 0)


def _one_bad_event_costs_its_batch(patch: Patch) -> None:
    flatten = wire._flatten

    def brittle(event: object, problems: list[str], *, depth: int) -> Iterator[Frame]:
        before = len(problems)
        found = list(flatten(event, problems, depth=depth))
        if len(problems) == before:
            yield from found

    patch.setattr(wire, "_flatten", brittle)


def _dropped_in_silence(patch: Patch) -> None:
    frame = wire._frame

    def quiet(event: Object, problems: list[str], *, alone: bool) -> Frame | None:
        return frame(event, [], alone=alone)

    patch.setattr(wire, "_frame", quiet)


def _a_problem_names_what_was_sent(patch: Patch) -> None:
    frame = wire._frame

    def chatty(event: Object, problems: list[str], *, alone: bool) -> Frame | None:
        told = frame(event, problems, alone=alone)
        if told is None:
            problems.append(f"dropped {event}")
        return told

    patch.setattr(wire, "_frame", chatty)


def _anything_passes_without_identity(patch: Patch) -> None:
    patch.setattr(wire, "passes", lambda kind, *, alone: bodies.passes(kind, alone=True))


def _a_frame_told_twice(patch: Patch) -> None:
    flatten = wire._flatten

    def double(event: object, problems: list[str], *, depth: int) -> Iterator[Frame]:
        for frame in flatten(event, problems, depth=depth):
            yield frame
            yield frame

    patch.setattr(wire, "_flatten", double)


def _half_characters_kept(patch: Patch) -> None:
    patch.setattr(wire, "_mended", lambda text: text)


def _local_times(patch: Patch) -> None:
    instant = wire._instant

    def local(value: object) -> object:
        at = instant(value)
        return at and at.replace(tzinfo=None)

    patch.setattr(wire, "_instant", local)


def _foreign_values_kept(patch: Patch) -> None:
    def whole(metadata: object) -> object:
        custom = metadata.get("custom") if isinstance(metadata, dict) else None
        return custom if isinstance(custom, dict) else {}

    patch.setattr(wire, "_custom", whole)


def _measured_in_characters(patch: Patch) -> None:
    patch.setattr(wire, "message_size", lambda text, given: len(wire.encode_message(text, given)))


FAULTS: list[Fault] = [
    _numbers_counted_instead_of_read,
    _a_number_from_the_body,
    _a_half_number_rounded,
    _a_number_too_large_for_a_column,
    _what_cannot_be_read_raises,
    _a_batch_in_the_order_it_came,
    _those_without_a_number_first,
    _one_bad_event_costs_its_batch,
    _dropped_in_silence,
    _a_problem_names_what_was_sent,
    _anything_passes_without_identity,
    _a_frame_told_twice,
    _half_characters_kept,
    _local_times,
    _foreign_values_kept,
    _measured_in_characters,
]


def noticed() -> bool:
    """Whether any law fails."""
    for law in LAWS:
        try:
            searched(law)()
        except Exception:
            return True
    return False


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__.removeprefix("test_"))
def test_the_law_holds_where_nothing_is_broken(law: Callable[..., None]) -> None:
    searched(law)()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_the_laws_notice_the_fault(fault: Fault, monkeypatch: Patch) -> None:
    fault(monkeypatch)
    assert noticed()
