"""What an answer of the homeserver comes to."""

from datetime import timedelta

import pytest

from adapters.matrix.calls import Refusal, asked, posted
from adapters.matrix.endpoints import history, send, sync, whoami
from bridge.errors import (
    CredentialsRefused,
    MaybeDelivered,
    Rejected,
    RetryLater,
    Unreachable,
)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (401, "M_UNKNOWN_TOKEN", CredentialsRefused),
        (401, "", CredentialsRefused),
        (403, "M_USER_DEACTIVATED", CredentialsRefused),
        (429, "M_LIMIT_EXCEEDED", RetryLater),
        (429, "", RetryLater),
        (413, "M_TOO_LARGE", Rejected),
        (403, "M_FORBIDDEN", Rejected),
        (400, "M_BAD_JSON", Rejected),
        (404, "M_NOT_FOUND", Rejected),
        (500, "M_UNKNOWN", MaybeDelivered),
        (502, "", MaybeDelivered),
        (404, "", Unreachable),
        (302, "", Unreachable),
    ],
)
def test_each_refusal_says_what_to_do_next(status: int, code: str, error: type[Exception]) -> None:
    outcome = posted(Refusal(status, code))

    assert type(outcome) is error


def test_a_question_that_has_no_answer_leaves_nothing_in_doubt() -> None:
    assert type(asked(Refusal(502, ""))) is Unreachable


def test_a_limit_says_when_to_try_again() -> None:
    told = posted(Refusal(429, "M_LIMIT_EXCEEDED", timedelta(seconds=2)))
    untold = posted(Refusal(429, "M_LIMIT_EXCEEDED"))

    assert isinstance(told, RetryLater)
    assert isinstance(untold, RetryLater)
    assert (told.after, untold.after) == (timedelta(seconds=2), timedelta(seconds=5))


def test_no_address_carries_a_token_and_each_name_in_it_is_escaped() -> None:
    filled = sync("s1", timedelta(seconds=30), {"room": {}})
    sending = send("!a/b:e.example", {"body": "x"}, "c.1")
    past = history("!r", "t1", "s1", limit=5, only={"types": []})
    addresses = [str(one.at("https://e.example")) for one in (whoami(), filled, sending, past)]

    assert not [address for address in addresses if "token" in address]
    assert addresses[0] == "https://e.example/_matrix/client/v3/account/whoami"
    assert "since=s1&timeout=30000" in addresses[1]
    assert "/rooms/%21a%2Fb%3Ae.example/send/m.room.message/c.1" in addresses[2]
    assert "from=t1" in addresses[3]
    assert filled.waits == timedelta(seconds=30)
