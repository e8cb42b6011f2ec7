"""What is taken out of people's words before their step? Nothing unredacted goes on.

It happens before the step: so what is owed to the agent, sent again, corrected or carried into
another session is redacted, too. What a redactor fails at is withheld, and the person told.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Final

import msgspec

from bridge import log
from bridge.config import Settings
from bridge.core import events as e
from bridge.core.redaction import BUILT_IN, Redactor, in_order
from bridge.model.ids import AgentName
from bridge.model.messages import Person
from bridge.plugin.redactors import find_redactor
from bridge.runtime.deciding import Mail

_log = log.get("privacy")
#: How long a redactor may take for one text, in seconds.
_PATIENCE: Final = 2.0
#: From how many characters on even ours are run beside the loop.
_LONG: Final = 1_000
#: How many texts are seen to at once; one that never ends keeps its place until the end.
_AT_ONCE: Final = 4

_Worded = e.MessageAccepted | e.MessageEdited
_Named = (
    e.MessageAccepted
    | e.MessageEdited
    | e.MessageDeleted
    | e.ChoiceAccepted
    | e.PersonRequested
    | e.RetryRequested
)


class Redacting:
    """The redactors of each agent."""

    def __init__(
        self,
        wanted: Mapping[AgentName, Sequence[str]],
        *,
        find: Callable[[str], Redactor] = find_redactor,
        patience: float = _PATIENCE,
    ) -> None:
        """With the names that each agent's words are redacted by, as `find` finds them.

        Raises:
            ConfigurationError: one of them cannot be used: nothing is to be sent without it.
        """
        self._redactors = {
            agent: [(name, find(name)) for name in in_order(names)]
            for agent, names in wanted.items()
            if names
        }
        self._patience = patience
        self._threads: Executor = ThreadPoolExecutor(_AT_ONCE, "redacting")

    async def put_in(self, agent: AgentName, mail: list[Mail]) -> list[Mail]:
        """The same mail with what is said in it redacted, or withheld."""
        redactors = self._redactors.get(agent)
        if not redactors:
            return mail
        return [await self._redacted(one, redactors) for one in mail]

    async def _redacted(self, mail: Mail, redactors: list[tuple[str, Redactor]]) -> Mail:
        event = mail.event
        if not isinstance(event, _Named):
            return mail
        person = await self._person(event.person, redactors)
        event = msgspec.structs.replace(event, person=person)
        if isinstance(event, _Worded):
            text = await self._text(event.text, redactors)
            if text is None:
                event = msgspec.structs.replace(event, text="", withheld=True)
            else:
                event = msgspec.structs.replace(event, text=text)
        return msgspec.structs.replace(mail, event=event)

    async def _person(self, person: Person, redactors: list[tuple[str, Redactor]]) -> Person:
        """A name may be an address, too; one that cannot be redacted is not told."""
        if not person.name:
            return person
        return Person(person.id, await self._text(person.name, redactors))

    async def _text(self, text: str, redactors: list[tuple[str, Redactor]]) -> str | None:
        for name, redactor in redactors:
            try:
                text = await self._run(name, redactor, text)
            # It may raise whatever it likes, and the words of that may quote anything.
            except Exception as error:
                why = str(error) if isinstance(error, _Failed) else type(error).__name__
                _log.error("privacy.withheld", redactor=name, error=why)
                return None
        return text

    async def _run(self, name: str, redactor: Redactor, text: str) -> str:
        if name in BUILT_IN and len(text) <= _LONG:
            return redactor(text)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._patience):
            return await loop.run_in_executor(self._threads, _called, redactor, text)


class _Failed(Exception):
    """A redactor raised, or gave no text."""


def _called(redactor: Redactor, text: str) -> str:
    """What it makes of `text`.

    Raises:
        _Failed: with anything but a text that can be stored and sent. Foreign code may also raise
            what ends a task or a process (SystemExit): here that is a failure like any other.
    """
    try:
        result: object = redactor(text)
        if isinstance(result, str):
            return result.encode().decode()
    except BaseException as error:
        raise _Failed(type(error).__name__) from None
    raise _Failed("no text")


def redactors_of(settings: Settings) -> dict[AgentName, Sequence[str]]:
    """Which ones each configured agent is to have."""
    usual = settings.privacy.redact
    return {
        name: agent.redact if agent.redact is not None else usual
        for name, agent in settings.agents.items()
    }
