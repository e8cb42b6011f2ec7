"""What an HTTP answer of PolyAI's says."""

import errno
import json
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict

from bridge.polyai.answers import Answer, read_json, unanswered, without

NOW = datetime(2026, 5, 19, 10, 0, 0, tzinfo=UTC)


def answer(
    body: bytes = b"", *, status: int = 500, headers: dict[str, str] | None = None
) -> Answer:
    return Answer(status, CIMultiDict(headers or {}), body, ("s3cret",), "sent-1")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error": {"code": "X", "id": 1, "message": "nested"}}', "nested"),
        (b'{"success": false, "error": "flat", "error_message": "longer"}', "longer"),
        (b'{"message": "top", "error": "other"}', "top"),
        (b'{"error": "only"}', "only"),
        (b'{"error": {}}', '{"error": {}}'),
        (b"<html>\n  Bad   Gateway\n</html>", "<html> Bad Gateway </html>"),
        (b"", ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"[1]", "[1]"),
    ],
)
def test_the_text_is_read_from_every_shape_of_body(body: bytes, text: str) -> None:
    assert answer(body).text == text


@pytest.mark.parametrize(
    "body",
    [
        b'{"success": false, "error": "", "error_code": "TOO_MANY_REQUESTS", "error_message": ""}',
        b'{"error": {"code": "TOO_MANY_REQUESTS", "message": ""}}',
    ],
)
def test_a_code_will_do_where_there_is_no_message(body: bytes) -> None:
    assert answer(body).text == "TOO_MANY_REQUESTS"


def test_the_text_is_cut_short_after_secrets_are_taken_out() -> None:
    text = answer(b"x" * 1020 + b"s3cret" + b"y" * 100).text
    assert len(text) == 1024
    assert text.endswith("…yyy")


def test_no_secret_is_quoted_or_shown() -> None:
    told = answer(b'{"message": "token s3cret is bad"}')
    assert told.text == "token … is bad"
    assert "s3cret" not in repr(told)
    assert without("a s3cret b", ("", "s3cret")) == "a … b"


@pytest.mark.parametrize(
    ("headers", "body", "correlation_id"),
    [
        ({"x-polyai-correlation-id": "h-1"}, {"error_id": "b-1"}, "h-1"),
        ({}, {"error": {"correlation_id": "n-1"}}, "n-1"),
        ({}, {"error_id": "b-1"}, "b-1"),
        ({}, {}, "sent-1"),
    ],
)
def test_the_correlation_id_is_theirs_where_they_gave_one(
    headers: dict[str, str], body: dict[str, object], correlation_id: str
) -> None:
    assert answer(json.dumps(body).encode(), headers=headers).correlation_id == correlation_id


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("3600", 30.0),
        ("1e300", 30.0),
        ("Tue, 19 May 2026 10:00:07 GMT", 7.0),
        ("Tue, 19 May 2026 09:00:00 GMT", 0.0),
        ("Tue, 19 May 2027 10:00:00 GMT", 30.0),
        ("Tue, 19 May 2026 10:00:07 -0000", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_half_a_minute(
    value: str, seconds: float | None
) -> None:
    wait = answer(headers={"retry-after": value}).retry_after(NOW)
    assert wait == (None if seconds is None else timedelta(seconds=seconds))


def test_retry_after_may_be_missing() -> None:
    assert answer().retry_after(NOW) is None


@pytest.mark.parametrize(
    ("status", "good", "passing"),
    [
        (200, True, False),
        (204, True, False),
        (302, False, False),
        (400, False, False),
        (401, False, False),
        (408, False, True),
        (425, False, True),
        (429, False, True),
        (500, False, True),
        (503, False, True),
    ],
)
def test_a_status_is_good_or_passing_or_neither(status: int, *, good: bool, passing: bool) -> None:
    told = answer(status=status)
    assert (told.good, told.passing) == (good, passing)


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 10_000, b"\xff"])
def test_what_is_not_json_is_none(body: bytes) -> None:
    assert read_json(body) is None


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENETUNREACH, "x"), "a.example:443 cannot be reached: network is unreach"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "a.example:443 refuses the connection"),
        (OSError("Multiple exceptions"), "a.example:443 cannot be reached"),
    ],
)
def test_a_call_without_an_answer_is_told_in_plain_words(error: OSError, told: str) -> None:
    key = ConnectionKey("a.example", 443, True, True, None, None, None)
    assert unanswered(aiohttp.ClientConnectorError(key, error)).startswith(told)
    assert unanswered(aiohttp.ClientConnectorDNSError(key, error)).startswith("the name a.example")
    for other in (aiohttp.ServerDisconnectedError(), ConnectionResetError(), ValueError("x")):
        assert "Error" not in unanswered(other)
