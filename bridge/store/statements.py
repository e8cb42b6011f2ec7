"""In which words are the three durable transactions written? Statements compiled once."""

from sqlalchemy import (
    BindParameter,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from bridge.store import tables as t
from bridge.store.digests import OF_NAME, OF_WORDS
from bridge.store.prepared import Prepared

# Accept.

KNOWN = Prepared(
    select(t.identities.c.entry).where(
        t.identities.c.adapter == bindparam("adapter"),
        t.identities.c.identity == bindparam("identity"),
    )
)
ANY_BURIED = Prepared(select(t.tombstones.c.name).where(t.tombstones.c.name > literal_column("''")))
BURIED = Prepared(
    select(t.tombstones.c.name).where(
        t.tombstones.c.name == getattr(func, OF_NAME)(bindparam("of"), bindparam("as_name"))
    )
)
CONVERSATION_OF = Prepared(
    select(t.conversations.c.id).where(
        t.conversations.c.adapter == bindparam("adapter"),
        t.conversations.c.thread == bindparam("thread"),
    )
)
OPENED = Prepared(insert(t.conversations))
_UNCLAIMED = (
    t.inbox.c.conversation.is_(None),
    t.inbox.c.adapter == bindparam("of"),
    t.inbox.c.thread == bindparam("within"),
    t.inbox.c.sort > bindparam("later_than"),
    t.inbox.c.accepted_at >= bindparam("since", type_=t.Instant()),
)
UNCLAIMED = Prepared(
    select(t.inbox.c.id, t.inbox.c.body).where(*_UNCLAIMED).order_by(t.inbox.c.sort)
)
CLAIMED = Prepared(update(t.inbox).where(*_UNCLAIMED), "conversation")
#: What stays of a body once it is empty.
_WORDS: BindParameter[str] = bindparam("words")
_BODY = {
    "body": _WORDS,
    "size": func.length(_WORDS),
    "digest": getattr(func, OF_WORDS)(_WORDS),
}
TAKEN_IN = Prepared(
    insert(t.inbox).values(_BODY),
    *("conversation", "adapter", "thread", "sort", "origin", "accepted_at", "kind", "hops"),
)
NAMED = Prepared(insert(t.identities))
INTRODUCED = Prepared(upsert(t.people).on_conflict_do_nothing())

# TakeStep.

SAVED = Prepared(
    update(t.conversations).where(t.conversations.c.id == bindparam("of")),
    *("touched_at", "live", "open", "state"),
)
USED_UP = Prepared(
    update(t.inbox).where(t.inbox.c.id == bindparam("entry")).values(body=null()), "done_at"
)
OWED = Prepared(
    insert(t.deliveries).values(_BODY),
    *("id", "conversation", "number", "target", "state", "attempts", "owed_at", "kind", "hops"),
    "only_for",
)
_DELIVERY = update(t.deliveries).where(t.deliveries.c.id == bindparam("of"))
#: From so many characters on nothing is added to the hops of a row; its columns go on.
MOST_HOPS = 1_000
_WITH_A_HOP = {
    table.name: case(
        (
            func.length(table.c.hops) < literal_column(str(MOST_HOPS)),
            table.c.hops + bindparam("more"),
        ),
        else_=table.c.hops,
    )
    for table in (t.inbox, t.deliveries)
}
_WITH_HOPS = _DELIVERY.values(hops=_WITH_A_HOP["deliveries"])
NOTED = Prepared(_WITH_HOPS)
ENTRY_NOTED = Prepared(
    update(t.inbox).where(t.inbox.c.id == bindparam("of")).values(hops=_WITH_A_HOP["inbox"])
)
BEFELL = Prepared(upsert(t.conversation_hops).on_conflict_do_nothing())
#: Nobody needs the words of what arrived, or need not arrive any more.
_EMPTIED = _WITH_HOPS.values(body=literal_column("''"))
LANDED = Prepared(_EMPTIED, "state", "settled_at", "reference")
LEFT_OUT = Prepared(_EMPTIED, "state", "settled_at", "reason")
ADVISED = Prepared(_DELIVERY, "remedy")
GIVEN_UP = Prepared(_WITH_HOPS, "state", "settled_at", "reason")
BEGUN = Prepared(
    upsert(t.sessions).on_conflict_do_nothing(),
    *("conversation", "number", "session_id", "sealed_token", "opened_at", "expires_at"),
    "correlation_id",
)
FORGOTTEN = Prepared(
    update(t.sessions)
    .where(t.sessions.c.conversation == bindparam("of"), t.sessions.c.number == bindparam("which"))
    .values(sealed_token=null()),
    "closed_at",
)

# Attempt and Outcome.

#: With a reason one that is `sending` is held: now it is not.
ATTEMPTED = Prepared(
    _WITH_HOPS.values(
        attempts=t.deliveries.c.attempts + literal_column("1"), reason=null(), remedy=null()
    ),
    *("state", "attempted_at"),
)
SETTLED = Prepared(_WITH_HOPS, "state", "reference", "reason", "settled_at")
SETTLED_FOR_GOOD = Prepared(_EMPTIED, "state", "reference", "reason", "settled_at")
