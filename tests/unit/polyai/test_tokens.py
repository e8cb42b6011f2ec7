"""How long an access token is good."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from bridge.polyai.tokens import Secret, token_expiry, token_usable

NOW = datetime(2026, 5, 19, 10, 0, 0, tzinfo=UTC)


def jwt(payload: object) -> str:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    return f"{part(b'{}')}.{part(json.dumps(payload).encode())}.{part(b'signature')}"


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        (jwt({}), True),
        (jwt({"sub": "ÿ?>~"}), True),
        (jwt({"exp": NOW.timestamp() + 60}), True),
        (jwt({"exp": NOW.timestamp() - 2}), True),
        (jwt({"exp": NOW.timestamp() - 5}), False),
        (jwt({"exp": NOW.timestamp() - 6}), False),
        (jwt({"exp": 0}), False),
        (jwt({"exp": 10**18}), True),
        (jwt({"exp": str(int(NOW.timestamp()) + 60)}), False),
        (jwt({"exp": None}), False),
        (jwt({"exp": True}), False),
        (jwt([1]), False),
        ("two.parts", False),
        ("a.b.c.d", False),
        ("a.!!!.c", False),
        ("a.e30.c", True),
        ("a..c", False),
        ("", False),
        ("a.é.c", False),
    ],
)
def test_a_token_is_usable_while_its_form_and_time_allow(text: str, *, usable: bool) -> None:
    assert token_usable(text, NOW) is usable


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (jwt({"exp": NOW.timestamp() + 60}), 60),
        (jwt({"exp": NOW.timestamp() - 6}), -6),
        (jwt({}), None),
        (jwt({"exp": str(NOW.timestamp())}), None),
        (jwt({"exp": True}), None),
        (jwt({"exp": 0}), None),
        (jwt({"exp": -62135596800}), None),
        (jwt({"exp": 10**18}), None),
        (jwt({"exp": 10**400}), None),
        (jwt([1]), None),
        ("two.parts", None),
        ("", None),
    ],
)
def test_a_token_may_say_when_it_expires(text: str, seconds: float | None) -> None:
    expected = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert token_expiry(text) == expected


def test_a_secret_does_not_show() -> None:
    assert "t0k" not in f"{Secret('t0k')} {Secret('t0k')!r}"
