"""Which answer of Microsoft's means what?"""

from datetime import timedelta

import pytest

from adapters.teams.answers import Answer, login_trouble, trouble
from bridge.errors import (
    BridgeError,
    CredentialsRefused,
    MaybeDelivered,
    Rejected,
    RetryLater,
    ThreadClosed,
    Unreachable,
)


def answered(status: int, code: str = "", **body: object) -> Answer:
    return Answer(status, {"error": {"code": code, "message": "people's words"}, **body})


@pytest.mark.parametrize(
    ("answer", "posting", "changing"),
    [
        (answered(400, "BadSyntax"), Rejected, Rejected),
        (answered(401), CredentialsRefused, CredentialsRefused),
        (answered(403, "BotNotInConversationRoster"), ThreadClosed, ThreadClosed),
        (answered(403, "Forbidden", subCode="MessageWritesBlocked"), ThreadClosed, ThreadClosed),
        (answered(403, "Forbidden"), CredentialsRefused, CredentialsRefused),
        (answered(404, "ConversationNotFound"), ThreadClosed, ThreadClosed),
        (answered(404, "ActivityNotFoundInConversation"), Rejected, Rejected),
        (answered(408), MaybeDelivered, RetryLater),
        (answered(412, "PreconditionFailed"), RetryLater, RetryLater),
        (answered(413, "MessageSizeTooBig"), Rejected, Rejected),
        (answered(429), RetryLater, RetryLater),
        (answered(500), MaybeDelivered, RetryLater),
        (answered(502), MaybeDelivered, RetryLater),
        (answered(503), MaybeDelivered, RetryLater),
        (answered(504), MaybeDelivered, RetryLater),
        (answered(302), Unreachable, Unreachable),
    ],
)
def test_each_refusal_says_what_to_do_next_and_how_sure_we_are(
    answer: Answer, posting: type[BridgeError], changing: type[BridgeError]
) -> None:
    assert type(trouble(answer, repeatable=False)) is posting
    assert type(trouble(answer, repeatable=True)) is changing


def test_only_codes_are_told_of_an_answer() -> None:
    odd = Answer(400, {"error": {"code": "<b>people's words</b>"}, "code": 7})

    assert answered(400, "BadSyntax").codes == {"BadSyntax"}
    assert odd.codes == set()
    assert (
        "words" not in f"{trouble(odd, repeatable=False)} {trouble(answered(400), repeatable=True)}"
    )


def test_a_pause_that_is_asked_for_is_kept() -> None:
    later = trouble(Answer(429, {}, timedelta(seconds=7)), repeatable=False)

    assert isinstance(later, RetryLater)
    assert later.after == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(400, {"error": "unauthorized_client"}), CredentialsRefused),
        (Answer(401, {"error": "invalid_client"}), CredentialsRefused),
        (Answer(400, {"error": "temporarily_unavailable"}), Unreachable),
        (Answer(429, {}), RetryLater),
        (Answer(500, {}), Unreachable),
        (Answer(200, {}), Unreachable),
    ],
)
def test_the_login_refuses_or_is_away(answer: Answer, kind: type[BridgeError]) -> None:
    assert type(login_trouble(answer)) is kind
