"""What a link to an event points at."""

import pytest

from adapters.matrix.links import pointed
from bridge.plugin import Pointer

EVENT = Pointer(identity="$abc_-1:example.org", receipt="$abc_-1:example.org")


@pytest.mark.parametrize(
    "link",
    [
        "https://matrix.to/#/!room:example.org/$abc_-1:example.org?via=example.org&via=other",
        "https://matrix.to/#/%21room%3Aexample.org/%24abc_-1%3Aexample.org",
        "https://matrix.to/#/#alias:example.org/$abc_-1:example.org",
        "matrix:roomid/room:example.org/e/abc_-1:example.org?via=example.org",
    ],
)
def test_an_event_is_named_whatever_names_its_room(link: str) -> None:
    assert pointed(link) == EVENT


@pytest.mark.parametrize(
    "link",
    [
        "",
        "https://matrix.to/#/!room:example.org",
        "https://matrix.to/#/@ann:example.org",
        "matrix:u/ann:example.org",
        "https://[broken",
        "https://example.slack.com/archives/C1/p1700000000123456",
    ],
)
def test_what_is_no_link_to_an_event_is_none(link: str) -> None:
    assert pointed(link) is None
