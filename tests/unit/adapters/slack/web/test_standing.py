"""Is only that left untried which would be refused again?"""

from datetime import timedelta

import pytest

from adapters.slack.web.answers import Refusal
from adapters.slack.web.standing import LACKING_FOR, REFUSED_FOR, Standing
from bridge.testing.clock import NOON

POST, STREAM = "chat.postMessage", "chat.startStream"
MOMENT = timedelta(microseconds=1)


def test_a_refused_token_is_asked_about_by_one_call_a_minute() -> None:
    standing = Standing()
    standing.refused(Refusal("token_revoked"), POST, "C1", NOON)
    later = NOON + REFUSED_FOR
    assert standing.refusal(STREAM, "C2", later - MOMENT) is not None
    assert standing.refusal(STREAM, "C2", later) is None
    standing.asking(later)  # this one asks, and until it knows more …
    assert standing.refusal(POST, "C1", later) is not None
    standing.answered()
    assert standing.refusal(POST, "C1", later) is None


def test_any_other_answer_of_slacks_shows_that_the_token_is_good() -> None:
    standing = Standing()
    standing.refused(Refusal("invalid_auth"), POST, "C1", NOON)
    standing.refused(Refusal(kind="no answer"), POST, "C1", NOON)
    assert standing.refusal(POST, "C1", NOON) is not None
    standing.refused(Refusal("is_archived"), POST, "C1", NOON)
    assert standing.refusal(POST, "C1", NOON) is None


@pytest.mark.parametrize("code", ["unknown_method", "feature_not_enabled"])
def test_what_a_workspace_lacks_it_lacks_everywhere(code: str) -> None:
    standing = Standing()
    standing.refused(Refusal(code), STREAM, "C1", NOON)
    refusal = standing.refusal(STREAM, "D1", NOON + LACKING_FOR - MOMENT)
    assert refusal is not None
    assert refusal.code == code
    assert standing.refusal(POST, "C1", NOON) is None
    assert standing.refusal(STREAM, "D1", NOON + LACKING_FOR) is None


def test_what_a_channel_does_not_support_another_kind_may() -> None:
    standing = Standing()
    standing.refused(Refusal("channel_type_not_supported"), STREAM, "C1", NOON)
    assert standing.refusal(STREAM, "C2", NOON) is not None
    assert standing.refusal(STREAM, "D1", NOON) is None


def test_what_the_adapter_cannot_do_without_is_always_tried() -> None:
    standing = Standing()
    standing.refused(Refusal("unknown_method"), POST, "C1", NOON)
    assert standing.refusal(POST, "C1", NOON) is None
