"""How is somebody forgotten? Conversation by conversation, then the file, then the backups.

It may be broken off at any point and done again: what was emptied is found no more, what was not
is. The running bridge does it under its law that a conversation is served by one task at a time;
with none running the store does it alone.
"""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from bridge import log
from bridge.core import events as e
from bridge.errors import ConfigurationError, DatabaseFailed
from bridge.model.ids import AdapterName, ConversationId, PersonId
from bridge.plugin import Rememberer
from bridge.runtime.adapters.supervisor import Adapters
from bridge.runtime.deciding import Mail
from bridge.runtime.delivering.dispatcher import Dispatcher
from bridge.runtime.entering.naming import Names
from bridge.runtime.worker import Worker
from bridge.runtime.world import World
from bridge.store import Discard, Store
from bridge.store.erasing import (
    BeginErasure,
    EmptyAlone,
    FinishErasure,
    Holding,
    LookOver,
    Subject,
    Survey,
    naming,
)
from bridge.store.erasing_backups import erase_in, look_in
from bridge.store.upkeep import Scour

_log = log.get("privacy")
#: How often a reader may keep the log beside the database from being emptied.
_TRIES: Final = 5
#: How long an adapter may take to say what it remembers of somebody, in seconds.
_PATIENCE: Final = 10.0

#: What no erasure here can reach, as the report says it.
BEYOND: Final = (
    "the platform's own copy of the messages: delete them there",
    "what the agent heard: PolyAI's own record of its sessions is PolyAI's to delete",
    "logs, backups and copies of the file that are kept elsewhere",
)


class Emptied(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation and what became of it."""

    holding: Holding
    #: Whether the agent's side heard of the end: `told`, `not told`, or `none` where no session is.
    polyai: str = "none"


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """A copy of the database: erased from, or why not."""

    path: str
    conversations: int = 0
    problem: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was found and erased, and what was not reached."""

    subject: Subject
    at: datetime
    dry_run: bool
    conversations: tuple[Emptied, ...]
    memory: tuple[str, ...]  #: the keys under which its adapter remembered something of the person
    backups: tuple[Backup, ...]
    not_reached: tuple[str, ...]
    unclaimed: int = 0  #: what they said in threads that are nobody's

    @property
    def nothing(self) -> bool:
        """Whether nothing of it was anywhere."""
        in_backups = any(one.conversations for one in self.backups)
        return not (self.conversations or self.unclaimed or self.memory or in_backups)


class Emptying(Protocol):
    """Who empties conversations."""

    async def empty(self, conversation: ConversationId, at: datetime) -> str:
        """Empty it, for good; whether PolyAI was told, as `Emptied.polyai` says."""
        ...

    async def remembered(self, adapter: AdapterName, person: PersonId) -> Collection[str] | None:
        """The keys of its memory that its adapter says are about `person`; None: nobody can say."""
        ...


class Alone:
    """With no bridge running, in a store that is ours."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def empty(self, conversation: ConversationId, at: datetime) -> str:
        """In one change."""
        state = await self._store.conversation(conversation)
        await self._store.write(EmptyAlone(conversations=(conversation,), at=at))
        return "none" if state is None or state.session is None else "not told"

    async def remembered(self, adapter: AdapterName, person: PersonId) -> Collection[str] | None:
        """Adapters are not there to be asked."""
        del adapter, person
        return None


class Within:
    """In a running bridge."""

    def __init__(
        self,
        store: Store,
        worker: Worker,
        dispatcher: Dispatcher,
        adapters: Adapters,
        names: Names,
    ) -> None:
        self._store = store
        self._worker = worker
        self._dispatcher = dispatcher
        self._adapters = adapters
        self._names = names

    async def empty(self, conversation: ConversationId, at: datetime) -> str:
        """By a step of its own; what its thread is owed is abandoned before and after."""
        del at
        state = self._worker.present(conversation) or await self._store.conversation(conversation)
        session = state.session if state is not None else None
        await self._dispatcher.abandon(conversation)
        await self._worker.tell(conversation, Mail(e.Erased()))
        await self._dispatcher.abandon(conversation)  # what a step before that still owed
        if session is None:
            return "none"
        return "told" if session.ready else "not told"

    async def remembered(self, adapter: AdapterName, person: PersonId) -> Collection[str] | None:
        """As the adapter says, if it can and is there."""
        self._names.forget(adapter, person)
        connected: object = self._adapters.now(adapter)
        if not isinstance(connected, Rememberer):
            return () if connected is not None else None
        try:
            async with asyncio.timeout(_PATIENCE):
                return await connected.remembered_of(person)
        # It may raise whatever it likes: the report says that it did not answer.
        except Exception as error:
            _log.warning("privacy.not_answered", adapter=adapter, error=type(error).__name__)
            return None


class Eraser:
    """Erases what is held; `key` is the one of the database's digests."""

    def __init__(self, store: Store, emptying: Emptying, world: World, *, key: str) -> None:
        self._store = store
        self._emptying = emptying
        self._world = world
        self._key = key
        self._one_at_a_time = asyncio.Lock()

    async def asked(self, arguments: Mapping[str, Any]) -> Report:
        """As the running bridge is asked: `adapter` and `person`, or `conversation`; `dry_run`.

        Raises:
            ConfigurationError: that names nobody and nothing.
            DatabaseFailed: it is not done, or not all of it; it can be done again.
        """
        try:
            asked = msgspec.convert(dict(arguments.get("subject", {})), Subject)
        except (msgspec.ValidationError, TypeError, ValueError):
            asked = Subject()
        return await self.erase(asked, dry_run=bool(arguments.get("dry_run")))

    async def erase(self, subject: Subject, *, dry_run: bool = False) -> Report:
        """Erase it, or only say what would be; raises as `asked`."""
        _sound(subject)
        async with self._one_at_a_time:
            return await self._erased(subject, dry_run=dry_run)

    async def _erased(self, subject: Subject, *, dry_run: bool) -> Report:
        at, identity = self._world.clock.now(), self._world.ids.new()
        looking = LookOver(subject=subject)
        beginning = BeginErasure(identity=identity, subject=subject, at=at)
        survey = await self._store.write(looking if dry_run else beginning)
        keys, problems = await self._memory(subject)
        emptied = [Emptied(holding=one) for one in survey.holdings]
        if not dry_run:
            emptied = [await self._emptied(one, at) for one in survey.holdings]
            await self._forget(subject, keys)
            problems += await self._scoured(identity)
            problems += await self._left(subject)
        backups = await self._backups(survey, subject, keys, at, dry_run=dry_run)
        if not dry_run:
            _log.info("privacy.erased", conversations=len(emptied), backups=len(backups))
        return Report(
            subject=subject,
            at=at,
            dry_run=dry_run,
            conversations=tuple(emptied),
            memory=keys,
            backups=backups,
            not_reached=(*problems, *BEYOND),
            unclaimed=survey.unclaimed,
        )

    async def _emptied(self, holding: Holding, at: datetime) -> Emptied:
        polyai = await self._emptying.empty(holding.conversation, at)
        return Emptied(holding=holding, polyai=polyai)

    async def _memory(self, subject: Subject) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The keys that are about the person; and what could not be asked."""
        if subject.adapter is None or subject.person is None:
            return (), ()
        told = await self._emptying.remembered(subject.adapter, subject.person)
        kept = await self._store.all_kept(subject.adapter, "")
        named = naming(subject.person)
        ours = {
            one.key
            for one in kept
            if named(one.key) or (not one.sealed and one.value == subject.person)
        }
        there = {one.key for one in kept}
        keys = sorted(ours | (there & set(told or ())))
        if told is None:
            problem = "what the adapter remembers of the person under keys that do not name them:"
            return tuple(keys), (f"{problem} it could not be asked",)
        return tuple(keys), ()

    async def _forget(self, subject: Subject, keys: Collection[str]) -> None:
        if subject.adapter is not None:
            for key in keys:
                await self._store.write(Discard(adapter=subject.adapter, key=key))

    async def _scoured(self, identity: str) -> tuple[str, ...]:
        """The file written anew and its log emptied; or what is left to say."""
        await self._store.write(FinishErasure(identity=identity, at=self._world.clock.now()))
        emptied = await self._store.write(Scour(rewrite=True))
        for failures in range(1, _TRIES):
            if emptied:
                return ()
            await self._world.pause(failures)
            emptied = await self._store.write(Scour())
        if emptied:
            return ()
        return ("the log beside the database: somebody reads it; it is emptied within the hour",)

    async def _left(self, subject: Subject) -> tuple[str, ...]:
        """What is there all the same: it came meanwhile, or could not be emptied."""
        found = (await self._store.write(LookOver(subject=subject))).holdings
        left = [one for one in found if one.messages or one.deliveries or one.sessions]
        return tuple(f"conversation {one.conversation}: say it again" for one in left)

    async def _backups(
        self,
        survey: Survey,
        subject: Subject,
        keys: tuple[str, ...],
        at: datetime,
        *,
        dry_run: bool,
    ) -> tuple[Backup, ...]:
        listed, found = [one.conversation for one in survey.holdings], []
        for path in map(Path, survey.backups):
            work = (
                partial(look_in, path, subject, listed)
                if dry_run
                else partial(erase_in, path, subject, listed, at, self._key, keys=keys)
            )
            try:
                found.append(Backup(path=str(path), conversations=await asyncio.to_thread(work)))
            except DatabaseFailed as error:
                found.append(Backup(path=str(path), problem=str(error)))
        return tuple(found)


def _sound(subject: Subject) -> None:
    person = subject.person is not None and subject.adapter is not None
    if person == (subject.conversation is not None):
        raise ConfigurationError(
            "Nobody is named", remedy="name a person and their adapter, or a conversation"
        )
