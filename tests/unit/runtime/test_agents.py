"""An agent's door: everybody goes through it in turn."""

from datetime import timedelta

import pytest

from bridge.polyai.refusals import TryLater
from bridge.polyai.wire import encode_message
from bridge.runtime.holding import Held
from bridge.testing.builders import ANN
from tests.unit.runtime.far_end import FarEnd


async def test_proving_keeps_to_the_same_door(far: FarEnd) -> None:
    assert await far.door.prove() == "proved"
    far.door.hold.note(TryLater("slow", after=timedelta(seconds=9), status=429, correlation_id=""))
    with pytest.raises(Held):
        await far.door.prove()


async def test_a_frame_is_measured_as_the_wire_does(far: FarEnd) -> None:
    terms = far.door.terms(text_limit=10, suggestion_limit=3)
    assert terms.frame_size("né", "c1.1", ANN) > terms.frame_size("ne", "c1.1", ANN)
    assert terms.frame_size("né", "c1.1", ANN) == len(encode_message("né", "c1.1", ANN).encode())
