"""Before their step people's words are redacted, or withheld."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from bridge.core import events as e
from bridge.core.redaction import BUILT_IN
from bridge.model.ids import AgentName, PersonId
from bridge.model.messages import Person
from bridge.runtime.deciding import Mail
from bridge.runtime.redacting import Redacting

AGENT = AgentName("default")
ANN = Person(PersonId("U1"), "ann@example.org")


def saying(text: str) -> Mail:
    return Mail(e.MessageAccepted(text, ANN))


async def heard(redacting: Redacting, text: str) -> e.MessageAccepted:
    """What becomes of it."""
    (mail,) = await redacting.put_in(AGENT, [saying(text)])
    assert isinstance(mail.event, e.MessageAccepted)
    return mail.event


def foreign(redactor: Callable[[str], Any]) -> Redacting:
    """With one that a package announces."""
    return Redacting({AGENT: ["theirs"]}, find=lambda _: redactor, patience=0.2)


async def test_words_and_names_are_redacted() -> None:
    event = await heard(Redacting({AGENT: ["email"]}), "I am bob@example.org")

    assert (event.text, event.person.name) == ("I am [e-mail address]", "[e-mail address]")
    assert event.person.id == ANN.id


async def test_other_agents_hear_it_as_it_is() -> None:
    mail = [saying("bob@example.org")]

    assert await Redacting({AGENT: ["email"]}).put_in(AgentName("other"), mail) is mail


async def test_a_long_text_is_redacted_as_well() -> None:
    event = await heard(Redacting({AGENT: list(BUILT_IN)}), "bob@example.org " * 1000)

    assert "@" not in event.text


async def test_what_somebody_changed_is_redacted_too() -> None:
    edit = Mail(e.MessageEdited("m1", "now bob@example.org", ANN))

    (mail,) = await Redacting({AGENT: ["email"]}).put_in(AGENT, [edit])

    assert isinstance(mail.event, e.MessageEdited)
    assert mail.event.text == "now [e-mail address]"


@pytest.mark.parametrize("gives", [None, 7, b"x", "half a character: \ud83e"])
async def test_what_gives_no_text_withholds_the_words(gives: object) -> None:
    event = await heard(foreign(lambda _: gives), "secret")

    assert (event.text, event.withheld) == ("", True)


async def test_what_raises_withholds_the_words_and_its_own_are_not_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(text: str) -> str:
        raise ValueError(text)

    event = await heard(foreign(fails), "secret")

    assert (event.text, event.withheld) == ("", True)
    assert "secret" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError, StopIteration, GeneratorExit]
)
async def test_what_would_end_more_than_itself_only_withholds_the_words(
    error: type[BaseException],
) -> None:
    def ends(_text: str) -> str:
        raise error

    assert (await heard(foreign(ends), "secret")).withheld


async def test_what_never_ends_withholds_the_words() -> None:
    goes_on = threading.Event()

    def hangs(text: str) -> str:
        goes_on.wait(20)
        return text

    event = await heard(foreign(hangs), "secret")
    goes_on.set()

    assert event.withheld
