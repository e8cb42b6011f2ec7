"""Is a word alone a wish, and anything more for the agent?"""

import pytest

from adapters.slack.reading.words import CONTROLS, NO_WORDS, asked, begins, folded, wish, words_of
from bridge.model.inbound import EndAsked, PersonAsked, Said, StartAsked, StatusAsked
from bridge.model.messages import Control

WORDS = words_of(
    [("end", ["end", "Stop!"]), ("restart", ["new"]), ("person", ["talk to a person"])]
)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("  End. ", "end"),
        ("TALK to a\nperson?!", "talk to a person"),
        ("what's going on", "whats going on"),
        ("what\u2019s going on", "whats going on"),
        ("\uff45nd", "end"),  # a full-width e
        ("Stra\u00dfe", "strasse"),
        ("\u0928\u092f\u093e", "\u0928\u092f\u093e"),  # marks belong to letters
        ("\U0001f44b!", ""),
    ],
)
def test_case_punctuation_and_spaces_are_folded(text: str, same: str) -> None:
    assert folded(text) == same


def test_a_word_alone_is_a_wish() -> None:
    assert wish("END", WORDS) == EndAsked()
    assert wish("stop", WORDS) == EndAsked()
    assert wish("new.", WORDS) == StartAsked()
    assert wish("talk to a person", WORDS) == PersonAsked()


@pytest.mark.parametrize("text", ["", "end it", "the end", "status", "?"])
def test_anything_else_is_for_the_agent(text: str) -> None:
    assert wish(text, WORDS) is None
    assert wish("end", NO_WORDS) is None


def test_a_word_can_mean_one_thing_only() -> None:
    with pytest.raises(ValueError, match="two lists"):
        words_of([("end", ["stop"]), ("restart", ["Stop."])])


def test_a_word_twice_in_one_list_is_one_word() -> None:
    assert words_of([("end", ["stop", "STOP"])]) == {"stop": Control.END}


def test_a_word_has_a_letter_or_a_digit() -> None:
    with pytest.raises(ValueError, match="letter"):
        words_of([("end", ["!"])])


def test_every_list_asks_for_something_without_a_notice() -> None:
    bodies = [asked(control) for control in CONTROLS.values()]
    assert bodies == [EndAsked(), StartAsked(), PersonAsked(), StatusAsked()]
    assert asked(Control.RETRY) is asked(Control.CANCEL) is None


def test_an_end_or_a_question_begins_nothing() -> None:
    assert not begins(EndAsked())
    assert not begins(StatusAsked())
    assert begins(StartAsked())
    assert begins(PersonAsked())
    assert begins(Said("hi"))
