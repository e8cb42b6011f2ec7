"""Is a signature what the page says it is, and is nothing else taken for one?"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from adapters.webhook.signing import Distrust, distrust
from bridge.plugin.signing import SIGNATURE, TIMESTAMP, signature, signed

SECRET = "0123456789abcdef0123456789abcdef"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
BODY = '{"kind": "ping", "é": 1}'.encode()


def judged(headers: dict[str, str], body: bytes = BODY, **parts: datetime) -> Distrust | None:
    clocks = tuple(parts.values()) or (NOW,)
    window = timedelta(minutes=5)
    return distrust(headers, body, secrets=(SECRET,), window=window, clocks=clocks)


def test_it_is_the_hmac_of_version_instant_and_body() -> None:
    expected = hmac.new(SECRET.encode(), b"v1:1893456000:" + BODY, hashlib.sha256).hexdigest()
    assert signed(SECRET, BODY, NOW) == {TIMESTAMP: "1893456000", SIGNATURE: f"v1={expected}"}


def test_a_known_signature_stays_the_same() -> None:
    """As `openssl dgst -hmac` has it: what others made by our page stays good."""
    assert signature(SECRET, "1893456000", b"{}") == (
        "v1=1587db10d1cefb0ca8507d29856242ad04f44e494e14c6bff0faa92509e0685f"
    )


def test_what_is_signed_now_is_believed() -> None:
    assert judged(signed(SECRET, BODY, NOW)) is None


@pytest.mark.parametrize("seconds", [-300, 300])
def test_the_window_is_as_wide_as_configured_in_either_direction(seconds: int) -> None:
    edge = timedelta(seconds=seconds)
    assert judged(signed(SECRET, BODY, NOW + edge)) is None
    beyond = edge + timedelta(seconds=1 if seconds > 0 else -1)
    assert judged(signed(SECRET, BODY, NOW + beyond)) is Distrust.STALE


def test_any_of_our_clocks_will_do() -> None:
    headers = signed(SECRET, BODY, NOW)
    assert judged(headers, ours=NOW + timedelta(days=1), machine=NOW) is None
    assert judged(headers, ours=NOW + timedelta(days=1)) is Distrust.STALE


@pytest.mark.parametrize("part", range(3))
def test_a_change_of_anything_is_seen(part: int) -> None:
    headers, body = signed(SECRET, BODY, NOW), BODY
    if part == 0:
        body += b" "
    elif part == 1:
        headers[TIMESTAMP] = "1893456001"
    else:
        headers[SIGNATURE] = headers[SIGNATURE][:-1] + "x"
    assert judged(headers, body) is Distrust.FORGED


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "+1", " 1", "1.5", "\uff11", "9" * 13])
def test_an_instant_is_a_plain_number(timestamp: str) -> None:
    headers = {TIMESTAMP: timestamp, SIGNATURE: signature(SECRET, timestamp, BODY)}
    assert judged(headers) is Distrust.UNSIGNED


@pytest.mark.parametrize("given", ["v1=é", "v1=\udcff", "v1", "v2=", "=" * 10_000])
def test_a_strange_signature_is_merely_wrong(given: str) -> None:
    assert judged({TIMESTAMP: "1893456000", SIGNATURE: given}) is Distrust.FORGED
