"""Does a notice show what Slack can show, and obey nothing that came from outside?"""

import re

import pytest

from adapters.slack import ids
from adapters.slack.rendering.notices import mention, notice_words, way_to
from bridge.model.messages import Notice, NoticeKind

DETAILS = (
    "called", "limit_bytes", "link", "mention", "message", "name", "number", "person", "position",
    "queue", "reason", "route", "since", "text",
)  # fmt: skip
HOSTILE = (
    "<!channel>",
    "<@U0123456789>",
    "<!date^0^{time}|now>",
    "\x1a0\x1a",
    "\x1a9\x1a<!here>",
    "https://evil.example/><!here>",
    "javascript:alert(1)",
    "tel:112|<!here>",
    "2026-03-01T12:05:00+00:00<!here>",
)
BUILT = re.compile(r"<(https?://[^<>|]+|tel:[0-9+]+\|[^<>]*|!date\^[0-9]+\^\{time\}\|[0-9:]+ UTC)>")


@pytest.mark.parametrize("kind", NoticeKind)
@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_detail_is_obeyed(kind: NoticeKind, text: str) -> None:
    said = notice_words(Notice(kind, dict.fromkeys(DETAILS, text)))
    rest = BUILT.sub("", said)
    assert "<" not in rest
    assert ">" not in rest
    assert said.isprintable()


def test_a_person_is_mentioned_only_by_an_id() -> None:
    def called(person: str) -> str:
        return notice_words(Notice(NoticeKind.HANDOFF_CALL, {"person": person}))

    assert called("U0123456789").startswith("<@U0123456789> needs")
    assert called("Ann & Ben").startswith("Ann &amp; Ben needs")
    assert called("!channel").startswith("!channel needs")


@pytest.mark.parametrize(
    ("named", "shown"),
    [
        ("S0123456789", "<!subteam^S0123456789>"),
        ("U0123456789", "<@U0123456789>"),
        ("W0123456789", "<@W0123456789>"),
        ("@oncall", "@oncall"),
        ("channel", "channel"),
        ("S1> <!here", "S1\u203a \u2039!here"),
        ("", ""),
    ],
)
def test_only_a_group_or_a_person_can_be_called(named: str, shown: str) -> None:
    assert mention(named) == shown


def test_the_way_to_a_thread_is_a_link_where_the_workspace_is_known() -> None:
    thread = ids.SlackThread("T1", "C1", "1772366400.000100")
    link = "https://ours.slack.com/archives/C1/p1772366400000100"
    query = "?thread_ts=1772366400.000100&amp;cid=C1"
    for address in ("https://ours.slack.com/", "https://ours.slack.com"):
        assert way_to(thread, address) == f"<{link}{query}|Open the thread>"
    assert way_to(thread, "") == "Their thread is in <#C1>."


def test_nobody_is_sent_to_a_direct_message() -> None:
    assert "<" not in way_to(ids.SlackThread("T1", "D1", "1.000100"), "https://ours.slack.com/")
