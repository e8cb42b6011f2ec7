"""Is everything told that a message holds?"""

from typing import Any

import pytest

from adapters.slack.reading.contents import LONGEST, Contents, contents_of

Json = dict[str, Any]


def read(**message: object) -> str:
    return contents_of(message, bot="UBOT").text


def rich(words: str, *more: Json) -> list[Json]:
    inside = [{"type": "text", "text": words}, *more]
    return [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": inside}]}]


def test_words_and_the_call_are_told_apart() -> None:
    assert contents_of({"text": "<@UBOT> hi"}, bot="UBOT") == Contents("hi", calls=True)
    assert contents_of({"text": "hi"}, bot="UBOT") == Contents("hi", calls=False)
    assert contents_of({}, bot="UBOT") == Contents("", calls=False)


def test_text_is_kept_where_the_blocks_say_no_more() -> None:
    assert read(text="*hi* :wave:", blocks=rich("hi")) == "*hi* :wave:"


def test_a_channel_keeps_the_name_that_only_the_text_has() -> None:
    channel = {"type": "channel", "channel_id": "C1"}
    assert read(text="in <#C1|general>", blocks=rich("in ", channel)) == "in #general"


def test_blocks_are_read_where_there_is_no_text() -> None:
    mention = {"type": "user", "user_id": "UBOT"}
    assert contents_of({"blocks": rich("hi ", mention)}, bot="UBOT") == Contents("hi", calls=True)


def test_what_somebody_does_is_told_as_done() -> None:
    assert read(text="waves", subtype="me_message") == "* waves"
    assert read(text="", subtype="me_message") == ""


FORWARD: Json = {
    "is_share": True,
    "is_msg_unfurl": True,
    "author_name": "Ann\nLee",
    "channel_name": "general",
    "text": "look &amp; see <@U2>\nand <@UBOT>",
    "from_url": "https://simulated.slack.com/archives/C9/p1?thread_ts=1.2&amp;cid=C9",
    "footer": "Slack Conversation",
    "ts": "1.2",
}


def test_a_forwarded_message_is_quoted_with_its_author_and_place() -> None:
    assert read(text="what of this?", attachments=[FORWARD]) == (
        "what of this?\n"
        "[forwarded: Ann Lee, #general, "
        "https://simulated.slack.com/archives/C9/p1?thread_ts=1.2&cid=C9]\n"
        "> look & see @U2\n"
        "> and"
    )


def test_a_mention_in_a_forwarded_message_does_not_call() -> None:
    assert not contents_of({"text": "", "attachments": [FORWARD]}, bot="UBOT").calls


def test_a_forwarded_message_is_read_from_its_blocks_and_files_too() -> None:
    shared = {
        "is_msg_unfurl": True,
        "footer": "Posted in <#C9|general>",
        "message_blocks": [{"team": "T1", "message": {"blocks": rich("whole")}}, {"message": 7}],
        "files": [{"name": "a.txt"}],
    }
    assert read(attachments=[shared]) == (
        "[forwarded: somebody, Posted in #general]\n> whole\n> [file: a.txt]"
    )


def test_a_forwarded_message_with_nothing_in_it_is_named() -> None:
    assert read(attachments=[{"is_share": True}]) == "[forwarded: somebody]"


def test_a_preview_of_a_link_is_left_out() -> None:
    preview = {"from_url": "https://a.example", "title": "A", "text": "about", "fallback": "A"}
    assert read(text="see <https://a.example>", attachments=[preview]) == "see https://a.example"


def test_what_an_app_adds_is_told() -> None:
    added = {
        "pretext": "Alert",
        "title": "Disk &gt; 90",
        "text": "*web-1*",
        "fields": [{"title": "host", "value": "web-1"}, {"value": "now"}, 7],
    }
    assert read(attachments=[added]) == "Alert\nDisk > 90\n*web-1*\nhost: web-1\nnow"


def test_a_pasted_table_is_told() -> None:
    rows = [[{"type": "raw_text", "text": "a"}, {"type": "raw_text", "text": "b"}]]
    pasted = {"blocks": [{"type": "table", "rows": rows}], "fallback": "[no preview available]"}
    assert read(text="this", attachments=[pasted]) == "this\na | b"


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (
            {
                "name": "plan.pdf",
                "pretty_type": "PDF",
                "size": 12_345,
                "permalink": "https://simulated.slack.com/files/U1/F1/plan.pdf",
            },
            "[file: plan.pdf, PDF, 12 kB, https://simulated.slack.com/files/U1/F1/plan.pdf]",
        ),
        ({"title": "Notes", "mode": "quip", "pretty_type": "Canvas"}, "[file: Notes, Canvas]"),
        ({"title": "two\nlines", "mimetype": "image/png"}, "[file: two lines, image/png]"),
        ({"id": "F1", "file_access": "check_file_info"}, "[file: unnamed]"),
        ({"mode": "hidden_by_limit"}, "[file: hidden, as the workspace's storage is full]"),
        ({"mode": "tombstone", "name": "gone"}, ""),
        ({"name": "a", "permalink": "javascript:x"}, "[file: a]"),
        ({"name": "a", "size": -5}, "[file: a]"),
        ({"name": "a", "size": 10**300}, "[file: a, 1000000000 MB]"),
        ({"name": "a" * 5000}, f"[file: {'a' * 300}]"),
    ],
)
def test_a_file_is_a_line(file: Json, told: str) -> None:
    assert read(files=[file]) == told


def test_nothing_is_told_without_bounds() -> None:
    told = read(text="a" * 39_999, files=[{"name": "b"}] * 1000)
    assert len(told) == LONGEST
    assert told.endswith("…")


@pytest.mark.parametrize("odd", [7, "x", {"a": 1}, [None, 3, "x"], [[]], [{}]])
def test_odd_parts_do_not_lose_the_words(odd: object) -> None:
    assert read(text="hi", attachments=odd, blocks=odd).startswith("hi")
