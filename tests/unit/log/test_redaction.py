"""Is everything masked that is a secret, and nothing torn that is none?"""

import base64
from timeit import repeat

import pytest

from adapters.slack import logs as slack
from bridge import log

_DECLARED = slack.LOG  # imported, the adapter has declared how its platform's secrets look
KEY = "s3cret/of+an 'agent'"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Basic dXNlcjpodW50ZXIyc2VjcmV0",
        "https://hooks.slack.com/actions/T1/2/hunter2secret",
        "https://hooks.slack-gov.com/services/T1/B2/hunter2secret",
        "postgresql://bridge:hunter2secret@db.example/bridge",
        "https://ann:hunter2secret@host.example/path",
        "client_secret=hunter2secret&code=1",
        "https://host.example/?api_key=hunter2secret",
        "{'password': 'hunter2secret'}",
        "X-Slack-Signature: v0=hunter2secret",
        # As JSON or an address writes what stands before it.
        r"ab\nxoxb-hunter2secret",
        r"ab\txapp-hunter2secret",
        r"ab\u0085Bearer hunter2secret",
        r"ab\nX-Token: hunter2secret",
        "ab%0Axoxb-hunter2secret",
        r"ab\neyJhdW50ZXIy.hunter2secret",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    masked = log.redact(text)

    assert "hunter2" not in masked
    assert "dXNlcj" not in masked
    assert "[secret]" in masked
    assert log.redact(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Basic formatting is shown",
        "http://127.0.0.1:8080/ready of @ann:example.org",
        "https://slack.com/api/chat.postMessage",
        "the secret of database.encryption_key is missing",
    ],
)
def test_what_is_none_is_left_alone(text: str) -> None:
    assert log.redact(text) == text


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
def test_a_known_secret_is_masked_within_base64(before: str) -> None:
    log.know([KEY])
    encoded = base64.b64encode(f"{before}{KEY}!".encode()).decode()

    masked = log.redact(f"sent {encoded} there")

    assert "[secret]" in masked
    assert len(masked) < len("sent [secret] there") + 16  # but for letters at its ends


def test_of_two_secrets_the_longer_is_masked_whole() -> None:
    log.know(["abcdefgh", "abcdefgh-and-more"])

    assert log.redact("it is abcdefgh-and-more.") == "it is [secret]."


def test_a_token_given_out_while_we_run_is_masked_until_there_are_too_many_newer_ones() -> None:
    log.learn("opaque-token-of-the-first")
    assert log.redact("a=opaque-token-of-the-first&b") == "a=[secret]&b"

    for number in range(20_000):
        log.learn(f"{number:08}opaque")

    assert log.redact("opaque-token-of-the-first") == "opaque-token-of-the-first"
    assert log.redact("now 00019999opaque") == "now [secret]"


def test_a_token_that_is_masked_by_its_looks_takes_no_room() -> None:
    from bridge.log import redaction

    log.learn("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl-_")
    log.learn("xoxb-111-222-AbCdEf")

    assert not redaction._known._passing


def test_twenty_thousand_secrets_cost_a_line_little_more_than_one() -> None:
    line = "socket.unavailable conversation=mr81pc7k7nwaywed error=" + "words of no secret " * 10
    log.learn("00000000-opaque-token")
    one = min(repeat(lambda: log.redact(line), number=50, repeat=20))
    for number in range(20_000):
        log.learn(f"{number:08}-opaque-token")
    many = min(repeat(lambda: log.redact(line), number=50, repeat=20))

    assert many < 5 * one
