"""What holds for every text? The laws of what enters from Slack and of what leaves for it."""

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from adapters.slack import ids, limits
from adapters.slack.from_slack import from_slack
from adapters.slack.identity import BotIdentity
from adapters.slack.reading.plain_text import plain
from adapters.slack.rendering import markup
from adapters.slack.rendering.markdown import ELEMENTS, parse, read
from adapters.slack.rendering.mrkdwn import mrkdwn, mrkdwn_and_words, words
from adapters.slack.to_slack import Features, SlackMessage, to_slack
from bridge.model.delivery import Outbound
from bridge.model.ids import DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import Inbound
from bridge.model.messages import (
    AgentReply,
    Attachment,
    AttachmentKind,
    Author,
    AuthorKind,
    CallAction,
    Choice,
    Content,
    Control,
    Notice,
    NoticeKind,
    Person,
    Suggestion,
)

#: How long one example takes says more about the machine's other work than about us.
patient = settings(deadline=None)

BOT = BotIdentity(team="T1", user="UBOT", bot="BBOT")

# Everything that means something to Slack, Markdown or HTML, and the worst that people try.
PIECES = [
    *"*_~`<>&|[]()!#-+.\\\"'@:/ \n\t",
    "<!channel>",
    "<!here>",
    "<@U0123456789>",
    "<#C0123456789|general>",
    "<!subteam^S01|@all>",
    "<https://evil.example|https://bank.example>",
    "&lt;!channel&gt;",
    "&#60;!channel&#62;",
    "https://bank.example/a_b?c=d&e=<f>|g",
    "[x](javascript:alert(1))",
    "[bank.example](https://evil.example)",
    "![p](data:text/html,x)",
    "<a href='javascript:x'>",
    '<a href="https://evil.example/|x">',
    "</a>",
    "<b>",
    "</b>",
    "<script>",
    "</script>",
    "<ul><li>",
    "</li></ul>",
    "<p>",
    "</p>",
    "<code>",
    "</code>",
    "<br>",
    "<!-- x -->",
    "<your name>",
    "</int>",
    "<to href='https://evil.example|https://bank.example'>",
    "```",
    "~~~\n",
    "\n> ",
    "\n- ",
    "\n1. ",
    "\n# ",
    "\n|a|b|\n|-|-|\n|c|d|\n",
    "\u202e",
    "\u200b",
    "\x00",
    "\ud800",
    "重要",
    "word",
]
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=60).map("".join)
addresses = hostile | st.sampled_from(
    [
        "https://pictures.example/a.png",
        "http://user@evil.example/",
        "https://a.example/<!channel>|x",
        "mailto:a@b.example",
        "tel:+4420",
        "JaVaScRiPt:alert(1)",
        "//evil.example",
        "https://a.example/" + "x" * 4000,
    ]
)
authors = st.builds(
    Author,
    kind=st.sampled_from(AuthorKind),
    name=st.none() | hostile,
    picture_url=st.none() | addresses,
)
attachments = st.builds(
    Attachment,
    kind=st.sampled_from(AttachmentKind),
    url=st.none() | addresses,
    title=hostile,
    preview_url=st.none() | addresses,
    action_text=hostile,
)
choices = st.builds(
    Choice,
    text=hostile,
    by=st.builds(Person, id=st.sampled_from(["U1", "U1> <!here"]).map(PersonId)),
)
replies = st.builds(
    AgentReply,
    author=authors,
    text=hostile,
    attachments=st.lists(attachments, max_size=25).map(tuple),
    suggestions=st.lists(st.builds(Suggestion, text=hostile), max_size=30).map(tuple),
    call_actions=st.lists(
        st.builds(CallAction, title=hostile, number=hostile | st.just("+44 20 7946 0000")),
        max_size=5,
    ).map(tuple),
    chosen=st.none() | choices,
)
details = st.dictionaries(
    st.sampled_from(["reason", "queue", "message", "name", "route", "text", "limit_bytes"]), hostile
)
notices = st.builds(
    Notice,
    kind=st.sampled_from(NoticeKind),
    details=details,
    controls=st.lists(st.sampled_from(Control), unique=True).map(tuple),
)
features = st.builds(Features, authorship=st.booleans(), pictures=st.booleans())

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def shown(content: Content, offered: Features) -> SlackMessage:
    owed = Outbound(
        id=DeliveryId("c1.1"),
        thread=ThreadKey("T1:C1:1772366400.000100"),
        content=content,
        owed_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    return to_slack(owed, offered)


def texts(tree: object) -> Iterator[tuple[str, str]]:
    """Every text of a message, with the name of its field; mrkdwn as such."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if isinstance(value, str):
                obeyed = tree.get("type") == "mrkdwn" and name == "text"
                yield ("mrkdwn" if obeyed else name), value
            else:
                yield from texts(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from texts(value)


_OURS = re.compile(r"<(?:https?://|mailto:|tel:)[^<>|\s]+(?:\|[^<>\n]+)?>")
_PERSON = re.compile(r" — chosen by <@U1>$")


def harmless(text: str) -> bool:
    """Whether mrkdwn obeys nothing but links of ours, and the person that we name."""
    return "<" not in _OURS.sub("", _PERSON.sub("", text))


@pytest.mark.thorough
@patient
@given(replies | notices, features)
def test_nothing_can_ping_and_every_limit_holds(content: Content, offered: Features) -> None:
    message = shown(content, offered)
    assert limits.violations(message.text, message.blocks) == []
    assert [model.to_dict() for model in Block.parse_all(message.blocks)] == [*message.blocks]
    assert harmless(message.text)
    for name, text in texts(message.blocks):
        if name == "mrkdwn":
            assert harmless(text)
        else:
            assert "<" not in text
        if name in {"url", "image_url"}:
            assert re.match(r"https?://[^\s|]+$", text)
    assert json.dumps(message.blocks).encode()
    assert message.blocks[0]["block_id"] == "polyai:c1.1"
    assert not set("<>&") & set(message.username or "")
    assert (message.icon_url or "https://").startswith("https://")


CLAIMS = ("https://bank.example", "bank.example/login", "BANK\u200b.example", "bank\u3002example")


@patient
@given(st.sampled_from(["evil.example", "bank.example.evil.example"]), hostile)
@example("evil.example", "")
def test_no_label_can_pose_as_another_address(host: str, more: str) -> None:
    for claim in CLAIMS:
        for source in (f"[{claim}](https://{host}/)", f'<a href="https://{host}/">{claim}</a>'):
            (text, *_) = mrkdwn(source + " " + more, limit=3000, most=9)
            assert f"(<https://{host}/>)" in text
            assert f"<https://{host}/|" not in text.partition(")")[0]


@patient
@given(hostile)
def test_what_is_escaped_is_read_back_as_it_was(text: str) -> None:
    assert plain(markup.escape(text), bot="UBOT") == markup.clean(text).strip()


@patient
@given(hostile)
def test_text_from_slack_is_printable_and_trimmed(text: str) -> None:
    read = plain(text, bot="UBOT")
    assert read == read.strip()
    assert read.encode().decode() == read


@patient
@given(hostile, st.integers(min_value=60, max_value=200))
def test_cutting_loses_nothing_and_leaves_every_atom_whole(text: str, limit: int) -> None:
    rest = markup.escape(text)
    pieces = []
    while rest:
        piece, rest = markup.cut(rest, limit)
        assert 0 < len(piece) <= limit
        assert re.fullmatch(r"(?:&(?:amp|lt|gt);|[^&<>])*", piece)
        pieces.append(piece)
    assert "".join(pieces) == markup.escape(text)


@patient
@given(hostile, st.integers(min_value=200, max_value=3000))
def test_rendering_stays_within_its_pieces(text: str, limit: int) -> None:
    pieces = mrkdwn(text, limit=limit, most=5)
    assert len(pieces) <= 5
    assert all(0 < len(piece) <= limit and harmless(piece) for piece in pieces)
    assert harmless(words(text))


@patient
@given(st.lists(st.text("abcdefg", min_size=1, max_size=12), max_size=300), st.data())
def test_no_word_is_lost_on_the_way(said: list[str], data: st.DataObject) -> None:
    gaps = st.sampled_from([" ", "\n", "\n\n", " **", "** ", "\n- ", "\n\n1. ", "\n> ", "<br>"])
    source = "".join(word + data.draw(gaps) for word in said)
    whole = " ".join(mrkdwn(source, limit=200, most=500))
    assert re.findall("[a-g]+", whole.replace("\u200b", " ")) == said


unknown = st.text("abcdefg", min_size=1, max_size=12).filter(lambda name: name not in ELEMENTS)
bracketed = st.builds(
    str.format,
    st.sampled_from(["<{}>", "</{}>", "<{}/>", "word<{} abc>word", '<{} abc="bad">', "<{}"]),
    unknown,
)


@patient
@given(st.lists(bracketed, max_size=60).map(" ".join))
@example("use <your name> please")
@example("a List<int> or a Map</int>")
def test_no_word_between_angle_brackets_is_lost_that_html_does_not_know(source: str) -> None:
    assert html.unescape(words(source)) == source
    whole = " ".join(mrkdwn(source, limit=200, most=500))
    assert html.unescape(" ".join(whole.split())) == source


@patient
@given(json_values)
def test_no_payload_whatever_raises(payload: object) -> None:
    assert from_slack(payload, BOT) is None or isinstance(from_slack(payload, BOT), Inbound)


EVENT: dict[str, Any] = {
    "type": "event_callback",
    "team_id": "T1",
    "api_app_id": "A1",
    "authorizations": [{"team_id": "T1"}],
    "event": {
        "type": "message",
        "user": "U1",
        "channel": "C1",
        "ts": "1772366400.000100",
        "text": "<@UBOT> hi",
        "files": [{"name": "a.txt"}],
    },
}
CLICK: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U1"},
    "channel": {"id": "C1"},
    "container": {"message_ts": "1772366400.000200", "thread_ts": "1772366400.000100"},
    "message": {"ts": "1772366400.000200", "thread_ts": "1772366400.000100"},
    "actions": [
        {
            "action_id": ids.suggestion_action(0),
            "value": ids.encode_button(ids.ButtonValue("c1.1", "T1", 0)),
            "action_ts": "1772366401.000000",
        }
    ],
}


def paths(tree: object, before: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield before
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from paths(value, (*before, name))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from paths(value, (*before, index))


def changed(tree: object, path: tuple[str | int, ...], value: object) -> object:
    """The same JSON with `value` at `path`."""
    if not path:
        return value
    if isinstance(tree, list):
        return [changed(v, path[1:], value) if i == path[0] else v for i, v in enumerate(tree)]
    assert isinstance(tree, dict)
    return tree | {path[0]: changed(tree[path[0]], path[1:], value)}


@patient
@given(st.sampled_from([EVENT, CLICK]), st.data(), json_values | hostile)
def test_no_payload_with_anything_anywhere_raises(
    payload: dict[str, Any], data: st.DataObject, value: object
) -> None:
    assert isinstance(from_slack(payload, BOT), Inbound)
    path = data.draw(st.sampled_from(sorted(paths(payload), key=str)))
    from_slack(changed(payload, path, value), BOT)


@patient
@given(st.integers(0, 9_999_999_999), st.integers(0, 999_999), st.integers(0, 9_999_999_999))
def test_the_order_of_timestamps_is_their_order_as_text(one: int, micro: int, two: int) -> None:
    first, second = (f"{seconds}.{micro:06d}" for seconds in (one, two))
    assert (ids.order_of(first) < ids.order_of(second)) == (one < two)
    assert (ids.instant_of(first) < ids.instant_of(second)) == (one < two)


@patient
@given(st.text(max_size=30))
def test_a_thread_key_is_read_back_or_refused(key: str) -> None:
    try:
        assert ids.SlackThread.parse(key).key == key
    except ValueError:
        assert not re.fullmatch(r"[A-Z0-9]+:[A-Z0-9]+:\d+\.\d+", key, re.ASCII) or len(key) > 20


@patient
@given(hostile)
def test_one_reading_gives_what_two_would(text: str) -> None:
    apart = mrkdwn(text, limit=100, most=5), words(text)
    assert mrkdwn_and_words(text, limit=100, most=5) == apart


#: Lines that look unmarked, or nearly so; what a mark is among them must not be missed.
lines = st.lists(
    st.sampled_from([*PIECES, "a", "é", "1", " ", "\x0c", "\x1c", "\x85", "\u2028", "\r"])
    | st.characters(),
    max_size=12,
).map("".join)


@patient
@given(lines)
@example("www.example.com and https://shop.example/?a=1 (x) {y} $1 50% #1 !!! -- ] > | ^ = + :")
@example(" \u2028")
@example("a")
@example("a\n=")
@example("a\nb\n- c")
def test_words_without_a_mark_are_what_markdown_would_make_of_them(line: str) -> None:
    for source in (line, f"word{line}", f"w {line} ", f"w{line}\nw{line}\n\n\n{line}\nw{line}"):
        assert parse(source) == read(source)
        apart = mrkdwn(source, limit=10, most=3), words(source)
        assert mrkdwn_and_words(source, limit=10, most=3) == apart
