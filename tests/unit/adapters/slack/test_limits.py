"""Does the table of limits catch what breaks them?"""

from typing import Any

import pytest

from adapters.slack import limits

BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "a"}, "action_id": "x"}


def section(text: str = "a", **more: Any) -> dict[str, Any]:  # noqa: ANN401  # any JSON
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def picture(**more: Any) -> dict[str, Any]:  # noqa: ANN401  # any JSON
    return {"type": "image", "image_url": "https://a.example", "alt_text": "a", **more}


def context(*texts: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text} for text in texts]}


def test_a_fitting_message_breaks_nothing() -> None:
    blocks = [section(accessory=BUTTON), picture(title={"text": "t"}), context("a"), actions()]
    blocks[-1] = actions({**BUTTON, "action_id": "y", "value": "v", "url": "https://a.example"})
    assert limits.violations("a", blocks) == []


@pytest.mark.parametrize(
    ("block", "found"),
    [
        (section("a" * 3001), "section text: 3001 of 3000"),
        (section(""), "section text: 0 of 3000"),
        (section(block_id="b" * 256), "block_id"),
        (section(accessory={**picture(), "alt_text": ""}), "alt text: 0 of 2000"),
        (context(*"abcdefghijk"), "context elements: 11 of 10"),
        (context("a" * 3001), "context text: 3001 of 3000"),
        (actions(), "actions elements: 0 of 25"),
        (actions({**BUTTON, "text": {"text": "a" * 76}}), "button text: 76 of 75"),
        (actions({**BUTTON, "value": "a" * 2001}), "button value: 2001 of 2000"),
        (actions({**BUTTON, "url": "a" * 3001}), "button url: 3001 of 3000"),
        (actions({**BUTTON, "action_id": ""}), "action_id: 0 of 255"),
        (actions(BUTTON, BUTTON), "action_id twice"),
        (picture(image_url="a" * 3001), "image url: 3001 of 3000"),
        (picture(title={"text": "a" * 2001}), "image title: 2001 of 2000"),
        ({"type": "video"}, "unknown block video"),
    ],
)
def test_a_broken_limit_is_named(block: dict[str, Any], found: str) -> None:
    assert limits.violations("a", [block]) == [found]


def test_the_message_as_a_whole_has_limits() -> None:
    assert limits.violations("", [section()]) == ["fallback text"]
    assert limits.violations("a" * 3901, [section()]) == ["fallback text"]
    assert limits.violations("a", []) == ["number of blocks"]
    assert limits.violations("a", [section()] * 51) == ["number of blocks"]
    assert limits.violations("a", [section(block_id="b")] * 2) == ["block_id twice"]
