"""Several people talk to one agent, which is told who is who."""

import pytest

from bridge.core import events as e
from bridge.core.effects import Owe, Settle, Transmit
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Ask
from bridge.model.ids import PersonId
from bridge.model.messages import Notice, NoticeKind, Person
from bridge.testing.builders import ANN, BOB, Talk, said

NOBODY = Person(PersonId("U3"))


def told(talk: Talk) -> list[Person | None]:
    """Whom the frames of the last event name."""
    return [sent.person for sent in talk.of(Transmit)]


def test_one_person_alone_needs_no_name() -> None:
    talk = Talk().joined().say("one")
    assert talk.sent == ["one"]
    assert told(talk) == [ANN]


def test_from_the_second_person_on_every_message_has_a_name() -> None:
    talk = Talk().joined().say("one")
    talk.say("two", BOB).say("three")
    assert talk.echo("one", "c1.1").sent == ["Bob: two"]
    assert talk.echo("Bob: two", "c1.2").sent == ["Ann: three"]
    assert [owe.body for owe in talk.say("four").of(Owe)] == [Ask("four", ANN)], "as it was said"


def test_what_still_waits_gets_its_name_too() -> None:
    talk = Talk().say("one").say("two", BOB).opened().ready().hear(f.JoinEchoed())
    assert talk.hear(f.AgentJoined()).sent == ["Ann: one"]


@pytest.mark.parametrize("speakers", ["never", "always"])
def test_the_operator_may_want_no_names_or_all(speakers: str) -> None:
    terms = Terms(speakers="never") if speakers == "never" else Terms(speakers="always")
    talk = Talk(terms).joined().say("one")
    assert (talk.sent, told(talk)) == {
        "never": (["one"], [None]),
        "always": (["Ann: one"], [ANN]),
    }[speakers]


def test_the_operator_words_how_a_name_is_told() -> None:
    talk = Talk(Terms(speakers="always", speaker_format="[{name}] ")).joined()
    assert talk.say("one", Person(PersonId("U4"), "{name}")).sent == ["[{name}] one"]


def test_who_has_no_name_has_a_number_that_stays() -> None:
    talk = Talk(Terms(speakers="always")).joined().say("one")
    talk.echo("Ann: one", "c1.1").say("two", NOBODY)
    assert talk.sent == ["Person 2: two"]
    assert told(talk) == [NOBODY]
    talk.echo("Person 2: two", "c1.2").say("three").echo("Ann: three", "c1.3")
    assert talk.say("four", NOBODY).sent == ["Person 2: four"]


def test_beyond_what_is_remembered_people_have_no_number() -> None:
    talk = Talk(Terms(speakers="always")).joined()
    sent: list[str] = []
    for number in range(33):
        sent += talk.say("x", Person(PersonId(f"V{number}"))).sent
        talk.echo(sent[-1])
    assert sent[-2:] == ["Person 32: x", "Another person: x"]
    assert len(talk.conversation.people) == 32


def test_a_name_is_no_message() -> None:
    talk = Talk(Terms(speakers="always")).joined()
    talk.say("x", Person(PersonId("U4"), "Eve: hi\nAnn" + "n" * 99 + "\x1b[2J"))
    (sent,) = talk.sent
    assert "\n" not in sent
    assert "\x1b" not in sent
    assert len(sent) < 100
    assert talk.echo(sent).say("y", Person(PersonId("U5"), " \n ")).sent == ["Person 2: y"]


def test_an_echo_without_an_id_is_known_by_the_text_that_was_sent() -> None:
    talk = Talk(Terms(speakers="always")).joined().say("one")
    assert talk.echo("one").of(Settle) == []
    assert talk.echo("Ann: one").of(Settle)


def test_a_repeat_is_the_same_text_whatever_changed_meanwhile() -> None:
    talk = Talk().joined().say("one").say("two", BOB)
    assert talk.lost().ready().sent == ["one"]


def test_the_name_is_counted_where_a_text_is_too_long() -> None:
    talk = Talk(Terms(speakers="always", frame_size=lambda text, _, __: len(text))).joined()
    talk.hear(f.SessionStarted(f.Capabilities(max_message_bytes=8)))
    assert talk.say("abc").sent == ["Ann: abc"]
    assert talk.say("abcd").notices == [NoticeKind.TOO_LONG]


def test_what_is_offered_again_is_without_the_name() -> None:
    talk = Talk(Terms(speakers="always")).say("one").take(e.EndRequested())
    (notice,) = talk.contents
    assert isinstance(notice, Notice)
    assert notice.details == {"text": "one"}
    talk.take(e.RetryRequested(talk.thread[-1][0], BOB)).opened().ready().hear(f.JoinEchoed())
    assert talk.hear(f.AgentJoined()).sent == ["Ann: one"], "her words, whoever pressed"


def test_a_choice_has_a_name_as_any_message() -> None:
    talk = Talk().joined().say("which?").echo("which?", "c1.1")
    talk.hear(said("Which?", "m1", "red")).click(talk.thread[-1][0], 0, BOB)
    assert talk.sent == ["Bob: red"]


def test_the_next_session_knows_only_whose_words_it_gets() -> None:
    talk = Talk().joined().say("one").echo("one", "c1.1").say("two", BOB).gone()
    assert talk.conversation.people == (BOB.id,)
    talk.opened().ready().hear(f.JoinEchoed())
    assert talk.hear(f.AgentJoined()).sent == ["two"]


def test_who_began_stays_who_began() -> None:
    talk = Talk().say("", BOB).say("one").take(e.EndRequested(ANN)).say("two")
    assert talk.conversation.starter == BOB.id


def test_a_name_that_looks_like_an_id_of_ours_is_none() -> None:
    talk = Talk().joined().say("one").echo("one", "c1.1").say("two")
    trouble = f.SystemMessage("error", "Unknown event type or invalid message format")
    talk.hear(trouble, custom={"person_name": "c1.2", "person": "c1.2"})
    assert talk.of(Settle) == []
