"""How much is owed, dead and quiet, and since when? Numbers alone, by partial indexes.

They cost by what is open or dead, not by what there is.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, not_, select

from bridge.model.delivery import DeliveryState
from bridge.store import tables as t

#: What people said that no step has taken up; beside what is owed to a `thread` or the `agent`.
STEP: Final = "step"
#: Whoever owed something goes by these words.
DIRECTIONS: Final = ("thread", "agent", STEP)

_d, _i, _c = t.deliveries.c, t.inbox.c, t.conversations.c
#: Nobody can tell whether it arrived, so nobody looks any more (see the runtime's ledger).
_HELD = and_(_d.state == DeliveryState.SENDING, _d.reason.is_not(None))
_UNSTEPPED = and_(_i.done_at.is_(None), _i.conversation.is_not(None))

Rows = Callable[[Select[Any]], Awaitable[list[Row[Any]]]]


@dataclass(frozen=True, slots=True)
class Census:
    """What there is, by direction; what is held is not owed. `oldest`: since when it is."""

    owed: dict[str, int] = field(default_factory=dict)
    oldest: dict[str, datetime] = field(default_factory=dict)
    dead: dict[str, int] = field(default_factory=dict)
    quiet: int = 0  #: conversations that let their session rest


async def counted(rows: Rows) -> Census:
    """Count; raises what `rows` raises."""
    owed = [*await rows(_owed_deliveries()), *await rows(_owed_entries())]
    dead = [*await rows(_dead_deliveries()), *await rows(_dead_entries())]
    ((quiet,),) = await rows(_quiet())
    return Census(
        owed={row.direction: row.number for row in owed},
        oldest={row.direction: row.since for row in owed if row.since is not None},
        dead={row.direction: row.number for row in dead},
        quiet=quiet,
    )


def _owed_deliveries() -> Select[Any]:
    """The open ones: by the words of the partial index, or it would not be used."""
    still = _d.state.in_((DeliveryState.PENDING, DeliveryState.SENDING))
    return (
        select(
            _d.target.label("direction"),
            func.count().label("number"),
            func.min(_d.owed_at, type_=t.Instant()).label("since"),
        )
        .where(still, not_(_HELD))
        .group_by(_d.target)
    )


def _owed_entries() -> Select[Any]:
    since = func.min(_i.accepted_at, type_=t.Instant()).label("since")
    return _entries(since).where(_UNSTEPPED, _i.dead_at.is_(None))


def _dead_deliveries() -> Select[Any]:
    return (
        select(_d.target.label("direction"), func.count().label("number"))
        .where(_d.state == DeliveryState.DEAD)
        .group_by(_d.target)
    )


def _dead_entries() -> Select[Any]:
    return _entries().where(_i.dead_at.is_not(None), _i.done_at.is_(None))


def _entries(*more: ColumnElement[Any]) -> Select[Any]:
    return select(_step(), func.count().label("number"), *more)


def _step() -> ColumnElement[str]:
    return literal(STEP).label("direction")


def _quiet() -> Select[Any]:
    """What is open and not live; whatever is live is open."""
    opened = select(func.count()).select_from(t.conversations).where(_c.open)
    live = select(func.count()).select_from(t.conversations).where(_c.live)
    return select(opened.scalar_subquery() - live.scalar_subquery())
