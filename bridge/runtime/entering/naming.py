"""Who is speaking? Names that did not come with a message are asked for, where they matter."""

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from bridge.clock import Clock
from bridge.core import events as e
from bridge.core.state import Conversation
from bridge.model.ids import AdapterName, PersonId, ThreadKey
from bridge.model.messages import Person
from bridge.plugin import Namer
from bridge.runtime.adapters.supervisor import Adapters
from bridge.runtime.deciding import Mail

#: By these a person speaks to the agent.
_Speaking = (e.MessageAccepted, e.ChoiceAccepted, e.PersonRequested, e.MessageEdited)

#: How long a conversation may be held up for a name.
_PATIENCE = timedelta(seconds=2)
#: How long an answer holds, also that there is no name; and how long a lookup that failed is left.
_KEPT = timedelta(hours=1)
_LEFT = timedelta(minutes=1)
#: How many names are kept.
_MOST = 10_000


class Names:
    """The names of people, as their platforms tell them; kept in memory for an hour."""

    def __init__(
        self, adapters: Adapters, clock: Clock, *, patience: timedelta = _PATIENCE
    ) -> None:
        self._adapters = adapters
        self._clock = clock
        self._patience = patience
        #: Name, or that there is none, and until when that holds; the oldest first.
        self._kept: OrderedDict[tuple[AdapterName, PersonId], tuple[str | None, datetime]]
        self._kept = OrderedDict()

    async def put_in(
        self,
        conversation: Conversation,
        mail: list[Mail],
        wanted: Literal["never", "several", "always"],
    ) -> list[Mail]:
        """The same mail, with the names of those who speak in it as far as they are known.

        Nobody waits for the name of the only one who speaks, unless it is `always` wanted.
        """
        nameless = {person.id for one in mail if (person := _speaker(one)) and not person.name}
        if not nameless or wanted == "never":
            return mail
        if wanted == "always" or len(nameless | {*conversation.people}) > 1:
            await asyncio.gather(*(self._ask(conversation, person) for person in nameless))
        return [self._named(conversation.adapter, one) for one in mail]

    def forget(self, adapter: AdapterName, person: PersonId) -> None:
        """Keep no name of `person`."""
        self._kept.pop((adapter, person), None)

    def _named(self, adapter: AdapterName, mail: Mail) -> Mail:
        person = _speaker(mail)
        name = None if person is None or person.name else self._known(adapter, person.id)
        if person is None or not name or not isinstance(mail.event, _Speaking):
            return mail
        event = msgspec.structs.replace(mail.event, person=Person(person.id, name))
        return msgspec.structs.replace(mail, event=event)

    def _known(self, adapter: AdapterName, person: PersonId) -> str | None:
        name, _ = self._kept.get((adapter, person), (None, None))
        return name

    async def _ask(self, conversation: Conversation, person: PersonId) -> None:
        key = conversation.adapter, person
        now = self._clock.now()
        if key in self._kept and now < self._kept[key][1]:
            return
        adapter: object = self._adapters.now(conversation.adapter)
        if not isinstance(adapter, Namer):
            return
        try:
            answer = await self._answered(adapter, person, conversation.thread), now + _KEPT
        # It may raise whatever it likes: a message does without a name.
        except Exception:
            answer = None, now + _LEFT
        self._kept.pop(key, None)
        self._kept[key] = answer
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)

    async def _answered(self, adapter: Namer, person: PersonId, thread: ThreadKey) -> str | None:
        async with asyncio.timeout(self._patience.total_seconds()):
            return await adapter.name_of(person, thread)


def _speaker(mail: Mail) -> Person | None:
    return mail.event.person if isinstance(mail.event, _Speaking) else None
