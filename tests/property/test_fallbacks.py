"""Whatever a platform cannot show and whatever the agent sends: nothing is too long, lost or stuck.

A platform is drawn, and a story of frames and people; each law looks at every step of it.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core import events as e
from bridge.core.conversation import step
from bridge.core.effects import Grow, Owe
from bridge.core.handoff_rules import HandoffRule
from bridge.core.state import Handoff
from bridge.core.terms import Shows, Terms
from bridge.model import frames as f
from bridge.model.delivery import Announce, Ask, Post, Replace, Retire
from bridge.model.messages import (
    AgentReply,
    Attachment,
    AttachmentKind,
    CallAction,
    Content,
    Notice,
    Suggestion,
)
from bridge.plugin import notice_text, text_of
from bridge.testing.builders import ANN, BOB, Talk
from tests.examples import many

FAST = settings(max_examples=many(60), derandomize=True, deadline=None, database=None)

SHOWS = st.builds(Shows, **{name: st.booleans() for name in Shows.__struct_fields__})
TERMS = st.builds(
    Terms,
    shows=SHOWS,
    worded=st.just(notice_text),
    text_limit=st.sampled_from([64, 100, 300, 4000]),
    suggestion_limit=st.just(20),
    streaming=st.just(False),
    handoffs=st.just((HandoffRule(queue_name="desk", place="C9", number="+43 1"),)),
)
WHIMS = st.integers(0, 9)
AGENT = ("agent", "agent", "agent", "again", "piece", "live", "join", "queue", "leave", "trouble")
PEOPLE = ("say", "say", "number", "number", "status", "stop")
VERBS = st.sampled_from([*AGENT, *PEOPLE, "away", "end", "open", "open", "time"])
STORIES = st.lists(st.tuples(VERBS, WHIMS), min_size=4, max_size=24)
_MARKS = ("{}", "**{}**", "_{}_", "\n- {}", "<b>{}</b>", "`{}`", "\n\n{}", "[{}](https://x/{})")


class Scene(NamedTuple):
    """One thing that happened, and what came of it."""

    verb: str
    before: Talk  #: as it stood, for a look at what else could have happened
    talk: Talk
    body: f.FrameBody | None


class Story(Talk):
    """A conversation in which words are numbered, so that each can be looked for."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self.words = 0
        self.joined()

    def some(self, count: int) -> str:
        """So many new words, some of them marked."""
        said = []
        for _ in range(count):
            self.words += 1
            word = f"w{self.words}"
            said.append(_MARKS[self.words % 8 if count > 3 else 0].replace("{}", word))
        return " ".join(said)

    def reply(self, whim: int, message_id: str) -> f.AgentMessage:
        """Something of the agent's."""
        shown = range(whim % 3)
        return f.AgentMessage(
            message_id,
            text=self.some((1, 4, 40, 150)[whim % 4]),
            attachments=tuple(self._attachment(n) for n in shown),
            suggestions=tuple(Suggestion(f"choose {self.some(2)}") for _ in range(whim % 4)),
            call_actions=tuple(CallAction(self.some(1), "+44 1") for _ in range(whim % 2)),
        )

    def _attachment(self, number: int) -> Attachment:
        kind = (AttachmentKind.LINK, AttachmentKind.IMAGE)[number % 2]
        return Attachment(kind, f"https://x/{self.some(1)}", self.some(1))

    def happens(self, verb: str, whim: int) -> f.FrameBody | None:
        """One event; the frame if it was one."""
        people: dict[str, e.Event] = {
            "say": e.MessageAccepted(self.some(1), (ANN, BOB)[whim % 2]),
            "number": e.MessageAccepted(str(whim), (ANN, BOB)[whim % 2]),
            "status": e.StatusRequested(ANN),
            "stop": e.EndRequested(ANN),
            "time": e.Woke(),
        }
        if verb in people:
            self.now += (verb == "time") * self.terms.place_gap * (whim + 1)
            self.take(people[verb])
            return None
        if verb == "open":
            self._open()
            return None
        if self.conversation.session is None or not self.session.ready:
            self.effects = ()
            return None
        body = self._frame(verb, whim)
        self.hear(body)
        return body

    def _open(self) -> None:
        self.effects = ()
        if self.conversation.session is None and self.conversation.wish.value == "session":
            self.opened()
        elif self.conversation.session is not None and not self.session.ready:
            self.ready()
        elif self.conversation.session is not None and not self.session.joined:
            self.hear(f.AgentJoined(name="Poly"))

    def _frame(self, verb: str, whim: int) -> f.FrameBody:
        told = [one.message_id for one in self.session.told]
        match verb:
            case "agent":
                return self.reply(whim, f"m{self.words}")
            case "again":
                return self.reply(whim, told[-1] if told else "m0")
            case "piece":
                return f.AgentChunk(f"p{whim % 2}", self.some(9), whim % 4 + 1, complete=whim > 6)
            case "live":
                text = self.some((1, 60)[whim % 2])
                name = "Jo *the* Helper" if whim % 3 else None
                return f.LiveAgentMessage(f"l{self.words}", "a1", name, text=text)
            case "join":
                return f.LiveAgentJoined("a1", "Jo *the* Helper")
            case "queue":
                return f.QueueMoved("a queue with a long name", whim, 60 * whim, "")
            case "leave":
                return f.LiveAgentLeft("a1")
            case "trouble":
                return f.SystemMessage(("error", "warning")[whim % 2], self.some(30))
            case "away":
                return f.HandoffElsewhere(queue="desk", reason=self.some(whim * 9))
            case _:
                return f.SessionEnded("REASON_USER_END")


def scenes(terms: Terms, moves: list[tuple[str, int]]) -> list[Scene]:
    """The whole story, scene by scene."""
    story, seen = Story(terms), []
    for verb, whim in moves:
        before = copied(story)
        body = story.happens(verb, whim)
        seen.append(Scene(verb, before, copied(story), body))
    return seen


def copied(talk: Talk) -> Talk:
    """As it stands now, with what the last event brought."""
    one = Talk(talk.terms)
    one.now, one.conversation, one.effects = talk.now, talk.conversation, talk.effects
    return one


def owed(talk: Talk) -> list[object]:
    return [owe.body for owe in talk.of(Owe) if not isinstance(owe.body, Ask)]


def contents(talk: Talk) -> list[Content]:
    bodies = owed(talk)
    return [body.content for body in bodies if isinstance(body, Post | Replace | Announce)]


def heard(talk: Talk, words: str) -> list[str]:
    """What the agent is owed if Ann, who has read what is shown, says `words`."""
    now = talk.now + timedelta(seconds=5)
    after = step(talk.conversation, e.MessageAccepted(words, ANN), now, talk.terms)
    return [
        owe.body.text for owe in after.effects if isinstance(owe, Owe) and isinstance(owe.body, Ask)
    ]


def names(text: str) -> list[str]:
    return re.findall(r"w\d+", text)


def each(law: Callable[[Scene], None], terms: Terms, moves: list[tuple[str, int]]) -> None:
    for scene in scenes(terms, moves):
        law(scene)


@FAST
@given(terms=TERMS, moves=STORIES)
def test_nothing_is_longer_than_the_platform_takes(
    terms: Terms, moves: list[tuple[str, int]]
) -> None:
    def law(scene: Scene) -> None:
        for content in contents(scene.talk):
            assert len(text_of(content)) <= terms.text_limit
            assert text_of(content).strip() or not isinstance(content, Notice)

    each(law, terms, moves)


@FAST
@given(terms=TERMS, moves=STORIES)
def test_nothing_is_owed_that_the_platform_does_not_claim(
    terms: Terms, moves: list[tuple[str, int]]
) -> None:
    shows = terms.shows

    def law(scene: Scene) -> None:
        for body in owed(scene.talk):
            assert shows.edits or not isinstance(body, Replace | Retire)
            assert shows.suggestions or not isinstance(body, Retire)
        assert shows.edits or not scene.talk.of(Grow)
        for content in contents(scene.talk):
            _within(shows, content)

    each(law, terms, moves)


def _within(shows: Shows, content: Content) -> None:
    if isinstance(content, Notice):
        assert shows.suggestions or len(content.numbers) == len(content.controls)
        assert not (shows.suggestions and content.numbers)
        return
    assert shows.suggestions or not content.suggestions
    assert shows.edits or not content.unfinished
    pictures = [a for a in content.attachments if a.kind is AttachmentKind.IMAGE]
    assert shows.pictures or not (pictures or any(a.preview_url for a in content.attachments))
    assert shows.attachments or len(pictures) == len(content.attachments)
    assert shows.attachments or not content.call_actions
    assert shows.formatting or not re.search(r"\*\*w|<b>|`w", content.text)


@FAST
@given(terms=TERMS, moves=STORIES)
def test_every_word_of_the_agent_is_told_in_order(
    terms: Terms, moves: list[tuple[str, int]]
) -> None:
    def law(scene: Scene) -> None:
        body = scene.body
        if scene.verb not in ("agent", "live") or not owed(scene.talk):
            return
        assert isinstance(body, f.AgentMessage | f.LiveAgentMessage)
        posts = [post.content for post in owed(scene.talk) if isinstance(post, Post)]
        told = [content for content in posts if isinstance(content, AgentReply)]
        said = [name for content in told for name in names(content.text)]
        assert said[: len(names(body.text))] == names(body.text)
        assert _beside(body) <= set(said) | _shown_beside(told)
        if scene.verb == "live" and body.name and not terms.shows.authorship:
            assert told[0].text.startswith("Jo ")

    each(law, terms, moves)


def _beside(body: f.AgentMessage | f.LiveAgentMessage) -> set[str]:
    """The words that stand beside the text."""
    words = [word for a in body.attachments for word in (a.title, a.url or "")]
    words += [call.title for call in body.call_actions]
    words += [suggestion.text for suggestion in body.suggestions]
    return {name for word in words for name in names(word)}


def _shown_beside(told: list[AgentReply]) -> set[str]:
    words = [word for r in told for a in r.attachments for word in (a.title, a.url or "")]
    words += [call.title for r in told for call in r.call_actions]
    words += [suggestion.text for r in told for suggestion in r.suggestions]
    return {name for word in words for name in names(word)}


@FAST
@given(terms=TERMS, moves=STORIES)
def test_every_suggestion_of_the_newest_message_can_be_had(
    terms: Terms, moves: list[tuple[str, int]]
) -> None:
    def law(scene: Scene) -> None:
        body, posted = scene.body, [b for b in owed(scene.talk) if isinstance(b, Post)]
        if scene.verb != "agent" or not isinstance(body, f.AgentMessage) or not posted:
            return
        if scene.talk.conversation.call is not None or _is_full(scene.talk):
            return
        for number, suggestion in enumerate(body.suggestions, 1):
            if terms.shows.suggestions:
                assert heard(scene.talk, str(number)) == [str(number)]
            else:
                assert heard(scene.talk, str(number)) == [suggestion.text]

    each(law, terms, moves)


ADDED = "What was added?"
MOMENT, _MS = timedelta(seconds=3), timedelta(milliseconds=1)


@FAST
@given(terms=TERMS, moves=STORIES, early=st.integers(0, 2999), late=st.integers(0, 9999))
def test_what_the_agent_adds_in_a_moment_and_nothing_else_leaves_its_list(
    terms: Terms, moves: list[tuple[str, int]], early: int, late: int
) -> None:
    soon, later = (timedelta(milliseconds=one) for one in (early, late))
    added = f.AgentMessage("added", text=ADDED)

    def law(scene: Scene) -> None:
        body, talk = scene.body, scene.talk
        if not _lists(scene) or _is_full(talk):
            return
        assert isinstance(body, f.AgentMessage)
        chosen = [body.suggestions[0].text]
        live = talk.session.handoff is Handoff.LIVE
        in_time = _told(copied(talk), soon, added)
        more = f.AgentMessage("added", text=f"{ADDED} More.")
        assert heard(in_time, "1") == (["1"] if live else chosen)
        assert heard(_told(copied(in_time), MOMENT - soon - _MS, more), "1") == (
            ["1"] if live else chosen
        )
        after = f.AgentMessage("after", text="And after it?")
        assert heard(_told(copied(in_time), MOMENT - soon + later, after), "1") == ["1"]
        assert heard(_told(copied(talk), MOMENT + later, added), "1") == ["1"]
        person = f.LiveAgentMessage("person", "a1", "Jo", text="1 or 2?")
        assert heard(_told(copied(talk), soon, person), "1") == ["1"]
        hasty = copied(talk).take(e.TooFastWritten(BOB))
        assert heard(_told(hasty, soon, added), "1") == ["1"]
        newer = f.AgentMessage("added", text=ADDED, suggestions=(Suggestion("other"),))
        if not live:
            assert heard(_told(in_time, timedelta(), newer), "1") == ["other"]

    each(law, terms, moves)


def _lists(scene: Scene) -> bool:
    """Whether the agent has just offered a list that is answered by number."""
    body, talk = scene.body, scene.talk
    if scene.verb != "agent" or not isinstance(body, f.AgentMessage) or not body.suggestions:
        return False
    posted = any(isinstance(one, Post) for one in owed(talk))
    return posted and not talk.terms.shows.suggestions and talk.conversation.call is None


def _told(talk: Talk, after: timedelta, body: f.FrameBody) -> Talk:
    """What the agent's side says, so long after."""
    talk.now += after
    return talk.hear(body, 10_000 + talk.conversation.deliveries)


def _is_full(talk: Talk) -> bool:
    return len(talk.conversation.waiting) >= 200


@FAST
@given(terms=TERMS, moves=STORIES)
def test_a_number_that_nothing_offered_just_now_is_words(
    terms: Terms, moves: list[tuple[str, int]]
) -> None:
    def law(scene: Scene) -> None:
        talk = scene.talk
        if talk.conversation.call is not None or _is_full(talk):
            return
        newest = [content for content in contents(talk) if isinstance(content, Notice | AgentReply)]
        offers = any(re.search(r"[Rr]eply (with|[1-9])", text_of(c)) for c in newest)
        if scene.verb == "live" and newest and not offers:
            assert heard(talk, "1") == ["1"]
        if scene.verb in ("say", "number") and not newest:
            assert heard(talk, "1") == ["1"]

    each(law, terms, moves)


@FAST
@given(terms=TERMS, moves=STORIES)
def test_the_way_out_of_a_queue_is_open_as_long_as_one_waits(
    terms: Terms, moves: list[tuple[str, int]]
) -> None:
    def law(scene: Scene) -> None:
        session = scene.talk.conversation.session
        waits = session is not None and session.handoff is Handoff.WAITING
        open_ = waits and session is not None and session.end_wanted_at is None
        if open_ and session is not None and session.queue_notice and not terms.shows.suggestions:
            assert heard(scene.talk, "0") == []
        elif not waits and scene.talk.conversation.call is None and not _is_full(scene.talk):
            assert heard(scene.talk, "0") == ["0"]

    each(law, terms, moves)
