"""What the store's tests begin with: a file, people who say things, steps to save."""

import functools
import tempfile
from datetime import datetime
from pathlib import Path

import msgspec

from bridge.core.state import Conversation
from bridge.model.delivery import Ask, Post, Replace
from bridge.model.ids import (
    AdapterName,
    AgentName,
    ConversationId,
    DeliveryId,
    EntryId,
    ThreadKey,
)
from bridge.model.inbound import Inbound, Said
from bridge.model.messages import AgentReply, Author, AuthorKind
from bridge.store import Accept, Accepted, Store, TakeStep, migrate
from bridge.store.retention import FIRST, Keeping, Place, Tidy
from bridge.testing.builders import ANN
from bridge.testing.clock import NOON

SLACK = AdapterName("slack")
DEFAULT = AgentName("default")


def address(directory: Path, name: str = "bridge.db") -> str:
    """The address of a database file in `directory`."""
    return f"sqlite+aiosqlite:///{directory / name}"


@functools.cache
def _migrated() -> bytes:
    """A database that was brought up to date: made once, as that takes its time."""
    with tempfile.TemporaryDirectory() as directory:
        migrate(address(Path(directory)))
        return (Path(directory) / "bridge.db").read_bytes()


def made(directory: Path) -> str:
    """The address of a database in `directory` that is empty and up to date."""
    (directory / "bridge.db").write_bytes(_migrated())
    return address(directory)


def said(
    text: str,
    *names: str,
    thread: str = "T1",
    opens: bool = False,
    order: str = "",
) -> Inbound:
    """Somebody says `text`; it is named and ordered by its text unless told otherwise."""
    return Inbound(
        thread=ThreadKey(thread),
        identities=names or (f"{thread}:{text}",),
        order=order or text,
        person=ANN,
        at=NOON,
        body=Said(text),
        opens=opens,
    )


def accept(inbound: Inbound, *, new_id: str = "c1", at: datetime = NOON) -> Accept:
    """The change that stores it; `replace` it for another adapter or origin."""
    return Accept(
        adapter=SLACK, inbound=inbound, agent=DEFAULT, new_id=ConversationId(new_id), at=at
    )


async def opened(store: Store, identity: str = "c1") -> Conversation:
    """A new conversation in a thread of its own, its first entry done."""
    thread = f"thread of {identity}"
    accepted = await store.write(accept(said("hello", thread=thread, opens=True), new_id=identity))
    conversation = await store.conversation(ConversationId(identity))
    assert conversation is not None
    await store.write(TakeStep(conversation=conversation, at=NOON, done=entries(accepted)))
    return conversation


def entries(accepted: Accepted) -> tuple[EntryId, ...]:
    """The numbers of the entries."""
    return tuple(entry.id for entry in accepted.entries)


def reply(text: str) -> Post:
    """The agent says `text`."""
    return Post(AgentReply(author=Author(AuthorKind.AGENT), text=text))


def owing(
    conversation: Conversation, *owed: tuple[int, Post | Replace | Ask], at: datetime = NOON
) -> TakeStep:
    """A step after which these are owed, by their numbers."""
    touched = msgspec.structs.replace(conversation, deliveries=max(n for n, _ in owed))
    return TakeStep(
        conversation=touched,
        at=at,
        owed=tuple((DeliveryId(f"{conversation.id}.{number}"), body) for number, body in owed),
    )


async def tidied(store: Store, at: datetime, keeping: Keeping | None = None) -> int:
    """All housekeeping of rows, at once; in how many pieces."""
    pieces, place = 0, FIRST
    following: Place | None = place
    while following is not None:
        following = await store.write(Tidy(at=at, keeping=keeping or Keeping(), place=following))
        pieces += 1
    return pieces


def texts(accepted: Accepted) -> list[str]:
    """What the entries say."""
    return [e.inbound.body.text for e in accepted.entries if isinstance(e.inbound.body, Said)]
