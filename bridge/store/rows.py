"""What does a row mean? Rows become the values that the store gives back."""

from typing import Any

import msgspec
from sqlalchemy import Row

from bridge.core.state import Conversation
from bridge.model.delivery import Announce, Ask, DeliveryState, Post, Receipt, Replace, Retire
from bridge.model.ids import (
    AdapterName,
    ConversationId,
    DeliveryId,
    EntryId,
    PersonId,
    ThreadKey,
)
from bridge.store.changes import read_inbound
from bridge.store.records import (
    FORGOTTEN,
    DeliveryRow,
    Entry,
    Kept,
    SessionRecord,
    ThreadDelivery,
)
from bridge.store.sealing import Sealer

_BODY: type[Any] = Post | Replace | Retire | Announce | Ask  # type: ignore[assignment]  # msgspec takes unions


def kept(row: Row[Any]) -> Kept:
    """What an adapter remembers."""
    return Kept(key=row.key, value=row.value, sealed=row.sealed)


def conversation(state: str) -> Conversation:
    """A conversation, of its document."""
    return msgspec.json.decode(state, type=Conversation)


def entry(row: Row[Any]) -> Entry:
    """An inbox entry."""
    return Entry(
        id=EntryId(row.id),
        conversation=ConversationId(row.conversation),
        inbound=read_inbound(row.body),
    )


def thread_delivery(row: Row[Any]) -> ThreadDelivery:
    """A delivery with where it goes."""
    return ThreadDelivery(
        id=DeliveryId(row.id),
        conversation=ConversationId(row.conversation),
        adapter=AdapterName(row.adapter),
        thread=ThreadKey(row.thread),
        body=_body(row),
        state=DeliveryState(row.state),
        attempts=row.attempts,
        owed_at=row.owed_at,
        attempted_at=row.attempted_at,
        receipt=Receipt(row.reference) if row.reference else None,
    )


def _body(row: Row[Any]) -> Any:  # noqa: ANN401 - one of `_BODY`
    """What it says; for whom it was is known longer than that."""
    if row.body:
        return msgspec.json.decode(row.body, type=_BODY)
    return FORGOTTEN if row.only_for is None else Post(FORGOTTEN.content, PersonId(row.only_for))


def delivery_row(row: Row[Any]) -> DeliveryRow:
    """A delivery, for a listing."""
    return DeliveryRow(
        id=DeliveryId(row.id),
        target=row.target,
        kind=row.kind,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        owed_at=row.owed_at,
        settled_at=row.settled_at,
        reason=row.reason,
    )


def session(row: Row[Any], sealer: Sealer | None) -> SessionRecord:
    """A session; its token as far as `sealer` unseals it."""
    sealed = row.sealed_token
    return SessionRecord(
        conversation=ConversationId(row.conversation),
        number=row.number,
        session_id=row.session_id,
        token=sealer.unseal(sealed) if sealer is not None and sealed else None,
        opened_at=row.opened_at,
        expires_at=row.expires_at,
        closed_at=row.closed_at,
    )
