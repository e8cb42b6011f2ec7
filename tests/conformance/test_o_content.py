"""O. What an agent's message holds, and what may be done with it."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from bridge.simulators.slack import SimulatedMessage
from tests.conformance.stage import GREETING, ConformanceStage, buttons

pytestmark = pytest.mark.conformance

Json = dict[str, Any]
MARKED = (
    "**Bold** and *it*, <b>b</b>, <strong>strong</strong>, <i>i</i>, <em>em</em>, "
    "<code>x &lt; y</code>.<br>A second line.\n\n"
    "<p>Paragraph &amp; more&nbsp;&quot;words&quot; &#39;here&#39; &#x27;there&#x27; "
    "&apos;then&apos;.</p>"
    "<ul><li>one</li><li>two</li></ul>\n\n- three\n- four\n\n<ol><li>first</li><li>second</li></ol>"
    'See <a href="https://demo.example/a?x=1&amp;y=2">the page</a>, '
    "[this](https://demo.example/b) or https://demo.example/c.\n"
    '<span style="x">plain</span> <!channel> <@U123> `code`'
)
MRKDWN = """\
*Bold* and _it_, *b*, *strong*, _i_, _em_, `x &lt; y`.
A second line.

Paragraph &amp; more "words" 'here' 'there' 'then'.

• one
• two

• three
• four

1. first
2. second

See <https://demo.example/a?x=1&amp;y=2|the page>, <https://demo.example/b|this> or \
<https://demo.example/c>.
plain &lt;!channel&gt; &lt;@U123&gt; `code`"""
IMAGE: Json = {
    "title": "A picture",
    "content_url": "https://demo.example/full.png",
    "preview_image_url": "https://demo.example/small.png",
    "content_type": "ATTACHMENT_CONTENT_TYPE_IMAGE",
}
LINK: Json = {
    "title": "Our terms",
    "content_url": "https://demo.example/terms?a=1&b=2",
    "content_type": "ATTACHMENT_CONTENT_TYPE_URL",
    "call_to_action_text": "Read them",
}
FILM: Json = {
    "title": "A film",
    "content_url": "https://demo.example/film.mp4",
    "content_type": "ATTACHMENT_CONTENT_TYPE_VIDEO",
}
NOWHERE: Json = {"title": "No address", "content_type": "ATTACHMENT_CONTENT_TYPE_URL"}
HOSTILE: Json = {
    "title": "Click me",
    "content_url": "javascript:alert(1)",
    "content_type": "ATTACHMENT_CONTENT_TYPE_URL",
}
SUGGESTIONS: list[Json] = [
    {"message_text": "Yes, please", "payload": "opaque-7"},
    {"message_text": "No"},
]
CALL: Json = {"title": "Call the desk", "contact_number": "+1 (555) 010-0"}
RICH: Json = {
    "message_id": "rich",
    "text": MARKED,
    "attachments": [IMAGE, LINK, FILM, NOWHERE, HOSTILE],
    "response_suggestions": SUGGESTIONS,
    "chat_call_actions": [CALL],
}
QUESTION: Json = {
    "message_id": "question",
    "text": "Do you agree?",
    "response_suggestions": SUGGESTIONS,
}


def texts(post: SimulatedMessage) -> list[str]:
    """The mrkdwn of a post's sections, in order."""
    return [str(b["text"]["text"]) for b in post.blocks if b["type"] == "section"]


def shown(post: SimulatedMessage) -> str:
    """All that is in a post's blocks."""
    return json.dumps(post.blocks, ensure_ascii=False)


async def told(stage: ConformanceStage, body: Json) -> tuple[str, SimulatedMessage]:
    """A thread in which the agent has said this, and the post of it."""
    thread = await stage.greeted("hello")
    stage.polyai.emit(None, "POLY_AGENT_MESSAGE", body)
    await stage.until(lambda: len(stage.posts(thread)) == 3)
    await stage.quiet()
    return thread, stage.posts(thread)[2]


async def test_098_text_is_marked_up_as_slack_does(stage: ConformanceStage) -> None:
    """Given Markdown mixed with HTML: bold, italics, code, new lines, paragraphs, lists, links and
    entities are shown as what they are, other tags are not shown, and nobody is called by it."""
    _, post = await told(stage, RICH)

    assert "\n\n".join(texts(post)).replace("\xa0", " ").startswith(MRKDWN)
    assert "<!channel>" not in shown(post) + post.text
    assert "<@U123>" not in shown(post) + post.text
    assert "span" not in shown(post)


async def test_098_every_attachment_is_shown_as_what_it_is(stage: ConformanceStage) -> None:
    """Given a picture, a link with words to press, one of a type nobody knows, one without an
    address and one that would run something: a picture, a link with a button, a plain link, and the
    titles alone of the last two. All on one post, in this order."""
    thread, post = await told(stage, RICH)
    await stage.settled()

    (image,) = [b for b in post.blocks if b["type"] == "image"]
    assert image["image_url"] == "https://demo.example/full.png"
    assert "A picture" in json.dumps(image)
    (link,) = [b for b in post.blocks if "Our terms" in json.dumps(b)]
    assert link["text"]["text"] == "<https://demo.example/terms?a=1&amp;b=2|Our terms>"
    assert link["accessory"]["text"]["text"] == "Read them"
    assert link["accessory"]["url"] == "https://demo.example/terms?a=1&b=2"
    assert "<https://demo.example/film.mp4|A film>" in shown(post)
    assert "No address" in shown(post)
    assert "Click me" in shown(post)
    assert "javascript" not in shown(post) + post.text
    assert "|No address>" not in shown(post)
    places = [shown(post).index(word) for word in ("A picture", "Our terms", "A film")]
    assert places == sorted(places)
    assert len(stage.posts(thread)) == 3


async def test_098_a_number_can_be_dialled(stage: ConformanceStage) -> None:
    """Given a number to call as people write it: it can be dialled, by its digits and the plus."""
    _, post = await told(stage, RICH)
    assert "<tel:+15550100|Call the desk +1 (555) 010-0>" in shown(post)


async def test_098_only_the_newest_suggestions_are_live(stage: ConformanceStage) -> None:
    """Given suggestions, and then another message with others: only the newest has buttons. The
    next message, without any, takes those away, too."""
    thread, post = await told(stage, QUESTION)
    assert buttons(post) == ["Yes, please", "No"]
    assert [buttons(p) for p in stage.posts(thread)[:2]] == [[], []]

    newer = {"message_text": "Perhaps"}
    body = {"message_id": "newer", "text": "Or?", "response_suggestions": [newer]}
    stage.polyai.emit(None, "POLY_AGENT_MESSAGE", body)
    await stage.wait(timedelta(seconds=1))
    assert [buttons(p) for p in stage.posts(thread)[2:]] == [[], ["Perhaps"]]
    stage.polyai.emit(None, "POLY_AGENT_MESSAGE", {"message_id": "newest", "text": "Well."})
    await stage.wait(timedelta(seconds=1))
    assert [buttons(p) for p in stage.posts(thread)[2:]] == [[], [], []]


async def test_098_a_tap_is_said_once(stage: ConformanceStage) -> None:
    """Given a suggestion is tapped twice by one person and once by another, at the same time: its
    text is sent once, without the payload; the buttons are gone, and it shows who chose what."""
    thread, post = await told(stage, QUESTION)

    await asyncio.gather(
        stage.press(thread, "Yes, please"),
        stage.press(thread, "Yes, please"),
        stage.press(thread, "No", user=stage.ben),
    )
    await stage.settled()

    frames = stage.frames("USER_MESSAGE")[1:]
    assert [frame["payload"] for frame in frames] == [{"text": "Yes, please"}]
    assert stage.heard() == ["hello", "Yes, please"]
    assert "opaque-7" not in "".join(stage.session.received)
    after = stage.posts(thread)[2]
    assert after.ts == post.ts
    assert buttons(after) == []
    assert "Yes, please" in shown(after)
    assert f"<@{stage.ann}>" in shown(after)
    assert stage.told(thread)[3:] == ["You said: Yes, please"]


async def test_098_a_tap_that_comes_twice_is_said_once(stage: ConformanceStage) -> None:
    """Given Slack delivers one click twice, and the bridge dies when it has stored it: the text is
    sent once."""
    thread, _ = await told(stage, QUESTION)
    stage.slack.duplicate_next()
    stage.bridge.die_at("after-accept")

    pressed = asyncio.create_task(stage.press(thread, "No"))
    await stage.died()
    await stage.start()
    await pressed
    await stage.until(lambda: "You said: No" in stage.told(thread))
    await stage.settled()

    assert stage.heard() == ["hello", "No"]
    assert buttons(stage.posts(thread)[2]) == []


async def test_098_who_types_takes_the_suggestions_away(stage: ConformanceStage) -> None:
    """Given suggestions, and a person who types an answer of their own while Slack takes no changes
    of posts: a tap on a button that should be gone means nothing any more, and in the end it is
    gone, with nothing shown as chosen."""
    thread, post = await told(stage, QUESTION)
    stage.slack.http_error("chat.update", 503, n=3)

    await stage.reply(thread, "I do not know")
    await stage.until(lambda: len(stage.heard()) == 2)
    assert await stage.press(thread, "No", user=stage.ben) == post.ts
    await stage.settled()

    assert stage.heard() == ["hello", "I do not know"]
    after = stage.posts(thread)[2]
    assert after.ts == post.ts
    assert buttons(after) == []
    assert "✓" not in shown(after)


@pytest.mark.parametrize("form", ["attachments alone", "whole", "chunk"])
async def test_098_a_late_attachment_joins_its_message(stage: ConformanceStage, form: str) -> None:
    """Given an attachment that comes a frame later under the same message id, alone or with all of
    the message again, after a message that came whole or streamed: the same post has it, with its
    text and its buttons, and these still work."""
    thread = await stage.greeted("hello")
    if form == "chunk":
        whole = {"is_complete": True, "response_suggestions": SUGGESTIONS}
        stage.polyai.stream_chunks(
            None, ["Do you ", {"text": "agree?"} | whole], message_id="question"
        )
    else:
        stage.polyai.emit(None, "POLY_AGENT_MESSAGE", QUESTION)
    await stage.until(lambda: len(stage.posts(thread)) == 3)
    before = stage.posts(thread)[2]

    late = QUESTION | {"attachments": [LINK]} if form == "whole" else {"attachments": [LINK]}
    stage.polyai.emit(None, "POLY_AGENT_MESSAGE", {"message_id": "question"} | late)
    await stage.settled()

    after = stage.posts(thread)[2]
    assert after.ts == before.ts
    assert texts(after)[0] == "Do you agree?"
    assert "Our terms" in shown(after)
    assert buttons(after) == ["Read them", "Yes, please", "No"]
    assert len(stage.slack.posts) == 3
    await stage.press(thread, "No")
    await stage.until(lambda: "You said: No" in stage.told(thread))
    assert buttons(stage.posts(thread)[2]) == ["Read them"]
    assert "Our terms" in shown(stage.posts(thread)[2])


async def test_098_a_late_attachment_revives_no_buttons(stage: ConformanceStage) -> None:
    """Given an attachment that comes when the suggestions have been answered: it joins the post, on
    which the choice stands as before and no button comes back."""
    thread, _ = await told(stage, QUESTION)
    await stage.press(thread, "No")
    await stage.until(lambda: "You said: No" in stage.told(thread))

    stage.polyai.emit(None, "POLY_AGENT_MESSAGE", QUESTION | {"attachments": [LINK]})
    await stage.settled()

    after = stage.posts(thread)[2]
    assert "Our terms" in shown(after)
    assert buttons(after) == ["Read them"]
    assert f"<@{stage.ann}>" in shown(after)
    assert stage.told(thread)[3:] == ["You said: No"]
    assert stage.heard() == ["hello", "No"]


@pytest.mark.parametrize(
    "body",
    [
        {"attachments": [LINK]},
        {"response_suggestions": SUGGESTIONS},
        {"chat_call_actions": [CALL]},
        {"text": None, "attachments": [FILM]},
    ],
    ids=["attachment", "suggestions", "number", "no text"],
)
async def test_098_each_of_them_alone_is_content(stage: ConformanceStage, body: Json) -> None:
    """Given a message with nothing but attachments, suggestions, or a number: it is posted."""
    thread, post = await told(stage, {"message_id": "alone"} | body)
    await stage.settled()

    assert len(stage.posts(thread)) == 3
    assert stage.told(thread)[:2] == [GREETING, "You said: hello"]
    words = ("Our terms", "Yes, please", "tel:+15550100", "A film")
    assert any(word in shown(post) for word in words)


async def test_098_live_agents_have_all_of_it_too(stage: ConformanceStage) -> None:
    """Given the same rich message from a live agent: shown just so, under their name."""
    thread = await stage.greeted("hello")
    stage.polyai.emit(None, "LIVE_AGENT_JOINED", {"agent_id": "a7", "agent_name": "Sam"})
    stage.polyai.emit(None, "LIVE_AGENT_MESSAGE", RICH | {"agent_id": "a7"})
    await stage.until(lambda: len(stage.posts(thread)) == 4)

    post = stage.posts(thread)[3]
    assert post.username == "Sam"
    assert "\n\n".join(texts(post)).replace("\xa0", " ").startswith(MRKDWN)
    assert buttons(post) == ["Read them", "Yes, please", "No"]
    await stage.press(thread, "No")
    await stage.until(lambda: stage.heard() == ["hello", "No"])
    await stage.settled()
    assert len(stage.frames("USER_MESSAGE")) == 2
