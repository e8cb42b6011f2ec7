"""What a frame takes at most, as the core reckons, against the wire itself."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.core.sending import most_bytes
from bridge.model.ids import DeliveryId, PersonId
from bridge.model.messages import Person
from bridge.polyai.wire import message_size

TEXTS = st.text(st.characters(exclude_categories=()), max_size=40) | st.text(
    '\0"\\\ud83d', max_size=99
)
PEOPLE = st.none() | st.builds(Person, TEXTS.map(PersonId), st.none() | TEXTS)


@given(TEXTS, TEXTS.map(DeliveryId), PEOPLE)
def test_no_frame_takes_more_than_is_reckoned(
    text: str, delivery: DeliveryId, person: Person | None
) -> None:
    assert message_size(text, delivery, person) <= most_bytes(text, delivery, person)
    room = 6 * sum(len(words) for words in (text, delivery, delivery))
    assert most_bytes(text, delivery, None) - room <= 2048, "nor is it reckoned far too high"
