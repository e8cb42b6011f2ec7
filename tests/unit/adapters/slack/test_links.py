"""What a link to a message points at, and what is no such link."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.links import pointed
from bridge.plugin import Pointer

HOST = "https://example.slack.com"


def test_a_reply_is_named_by_its_own_ts_and_its_thread() -> None:
    link = f"{HOST}/archives/C024BE91L/p1700000000123456?thread_ts=1699999999.000100&cid=C024BE91L"

    assert pointed(link) == Pointer(
        identity="message:*:C024BE91L:1700000000.123456",
        receipt="C024BE91L:1700000000.123456",
        thread="*:C024BE91L:1699999999.000100",
    )


def test_a_message_without_a_thread_is_its_own() -> None:
    found = pointed(f"{HOST}/archives/D024BE91L/p1700000000123456/")

    assert found is not None
    assert found.thread == "*:D024BE91L:1700000000.123456"


@pytest.mark.parametrize(
    "link",
    [
        "",
        HOST,
        f"{HOST}/archives/C024BE91L",
        f"{HOST}/archives/C*/p1700000000123456",
        f"{HOST}/archives/C024BE91L/pabc",
        f"{HOST}/archives/C024BE91L/p12345",
        "ftp://example.slack.com/archives/C024BE91L/p1700000000123456",
        "https://[broken/archives/C024BE91L/p1700000000123456",
        "https://matrix.to/#/!r:example/$e",
    ],
)
def test_what_is_no_link_to_a_message_is_none(link: str) -> None:
    assert pointed(link) is None


@given(st.text(max_size=60))
def test_nothing_breaks_it(tail: str) -> None:
    pointed(f"{HOST}/archives/{tail}")
    pointed(tail)
