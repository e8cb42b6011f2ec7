"""Is only a note of our own, fresh and from the same browser, believed?"""

from datetime import timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from adapters.slack.installs.states import LIFE, is_good, new_state
from bridge.testing.clock import NOON

SECRET = "open sesame"
STATE = new_state(SECRET, "n0nce", NOON)


def test_our_own_note_is_believed_for_ten_minutes() -> None:
    assert is_good(STATE, STATE, SECRET, NOON)
    assert is_good(STATE, STATE, SECRET, NOON + LIFE)
    assert not is_good(STATE, STATE, SECRET, NOON + LIFE + timedelta(seconds=1))
    assert not is_good(STATE, STATE, SECRET, NOON - timedelta(seconds=1))


def test_another_browser_or_another_secret_is_not() -> None:
    other = new_state(SECRET, "other", NOON)
    assert not is_good(STATE, other, SECRET, NOON)
    assert not is_good(STATE, "", SECRET, NOON)
    assert not is_good("", "", SECRET, NOON)
    assert not is_good(STATE, STATE, "another", NOON)


@example("\udcff", 0)  # a byte that is no text, as it comes out of a header
@given(st.text(), st.integers(min_value=0, max_value=len(STATE) - 1))
def test_nothing_else_is_and_nothing_raises(text: str, at: int) -> None:
    assert not is_good(text, text, SECRET, NOON)
    changed = STATE[:at] + ("0" if STATE[at] != "0" else "1") + STATE[at + 1 :]
    assert not is_good(changed, changed, SECRET, NOON)
