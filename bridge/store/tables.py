"""The tables. Their history is in `migrations/`; a test holds both together."""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept in UTC; SQLite itself knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None]:
        """To the database: as SQLAlchemy writes it for SQLite, at a third of the cost."""
        return _written

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        return None if value is None else value.replace(tzinfo=UTC)


_WIDTH = len("2026-11-21 12:00:00.000000")  #: what follows is the offset, always none


def _written(value: datetime | None) -> str | None:
    if value is None:
        return None
    ours = value if value.tzinfo is UTC else value.astimezone(UTC)
    return ours.isoformat(" ", "microseconds")[:_WIDTH]


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: What belongs to the database itself, such as the salt of the key for tokens.
facts = Table(
    "facts",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

#: One row for each conversation; `state` is the whole `core.state.Conversation` as JSON.
conversations = Table(
    "conversations",
    metadata,
    Column("id", String, primary_key=True),
    Column("adapter", String, nullable=False),
    Column("thread", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("touched_at", Instant, nullable=False),
    #: whether a restart has anything to take up here
    Column("live", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    #: whether it goes on, even if it is quiet now
    Column("open", Boolean, nullable=False, server_default=text("0")),
    UniqueConstraint("adapter", "thread"),
)
Index(None, conversations.c.live, sqlite_where=text("live"))
Index(
    "ix_conversations_open",
    conversations.c.adapter,
    conversations.c.thread,
    sqlite_where=text("open"),
)

#: Who said something where, as their platform names them.
people = Table(
    "people",
    metadata,
    Column("adapter", String, primary_key=True),
    Column("person", String, primary_key=True),
    Column(
        "conversation",
        ForeignKey(conversations.c.id, ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
    sqlite_with_rowid=False,
)

#: What adapters remember beyond a restart; `value` is sealed where `sealed` says so.
memory = Table(
    "memory",
    metadata,
    Column("adapter", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
    Column("sealed", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

#: PolyAI sessions. The token is sealed, and gone once the session is over.
sessions = Table(
    "sessions",
    metadata,
    Column("conversation", ForeignKey(conversations.c.id), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("session_id", String, nullable=False),
    Column("sealed_token", String),
    Column("opened_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("closed_at", Instant),
    Column("correlation_id", String),  #: of the call that opened it
)

#: What befell a conversation on the way, for its timeline: when, and in a word of ours.
conversation_hops = Table(
    "conversation_hops",
    metadata,
    Column("conversation", ForeignKey(conversations.c.id, ondelete="CASCADE"), primary_key=True),
    Column("at", Instant, primary_key=True),
    Column("what", String, primary_key=True),
    sqlite_with_rowid=False,
)

#: What platforms told us. `body` is emptied once the step that used it has committed.
#: Without a conversation: a reply in a thread that was not ours, kept a while in case the
#: message that opens it is only on its way.
inbox = Table(
    "inbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("conversation", ForeignKey(conversations.c.id)),
    Column("adapter", String, nullable=False),
    Column("thread", String, nullable=False),
    Column("sort", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("body", Text),
    Column("accepted_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("kind", String),  #: the tag of what was told
    #: of the body, in characters, and what stands for it once it is empty (see `digests`)
    Column("size", Integer),
    Column("digest", String),
    Column("hops", String, nullable=False, server_default=text("''")),  #: see `model.hops`
    #: since when it is a dead letter, as no step could take it up; and why
    Column("dead_at", Instant),
    Column("reason", String),
    Column("redriven", Integer, nullable=False, server_default=text("0")),
    Column("redriven_at", Instant),
    Column("alerted_at", Instant),
    Column("seen_at", Instant),
    sqlite_autoincrement=True,
)
Index("ix_inbox_dead", inbox.c.dead_at, sqlite_where=text("dead_at IS NOT NULL"))
Index("ix_inbox_open", inbox.c.conversation, sqlite_where=text("done_at IS NULL"))
Index(
    "ix_inbox_unclaimed",
    inbox.c.adapter,
    inbox.c.thread,
    sqlite_where=text("conversation IS NULL"),
)

#: The names of inbox entries: two inbounds that share one are the same.
identities = Table(
    "identities",
    metadata,
    Column("adapter", String, primary_key=True),
    Column("identity", String, primary_key=True),
    Column("entry", ForeignKey(inbox.c.id, ondelete="CASCADE"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

#: What we owe, in both directions: `target` is `thread` or `agent`.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String, primary_key=True),
    Column("conversation", ForeignKey(conversations.c.id), nullable=False),
    Column("number", Integer, nullable=False),
    Column("target", String, nullable=False),
    Column("state", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owed_at", Instant, nullable=False),
    Column("attempted_at", Instant),
    Column("settled_at", Instant),
    Column("reference", String),
    Column("reason", String),
    Column("kind", String),  #: the tag of the body
    #: as of the inbox: what stays of a body, which is empty once nobody needs it
    Column("size", Integer),
    Column("digest", String),
    Column("only_for", String),  #: who alone sees it, whatever it is changed to
    Column("hops", String, nullable=False, server_default=text("''")),  #: see `model.hops`
    Column("remedy", String),  #: what a person can do about the reason
    #: how often, and when last, an operator had it owed again
    Column("redriven", Integer, nullable=False, server_default=text("0")),
    Column("redriven_at", Instant),
    #: when an alarm told of its end, and when an operator said that it is known
    Column("alerted_at", Instant),
    Column("seen_at", Instant),
    UniqueConstraint("conversation", "number"),
)
Index(
    "ix_deliveries_open",
    deliveries.c.target,
    deliveries.c.conversation,
    sqlite_where=text("state IN ('pending', 'sending')"),
)
Index("ix_deliveries_dead", deliveries.c.target, sqlite_where=text("state = 'dead'"))

#: Second copies of what was delivered, as adapters see them: where each stood, and until when.
twins = Table(
    "twins",
    metadata,
    Column("delivery", ForeignKey(deliveries.c.id, ondelete="CASCADE"), primary_key=True),
    Column("reference", String, primary_key=True),
    Column("seen_at", Instant, nullable=False),
    Column("removed_at", Instant),
    sqlite_with_rowid=False,
)

#: Copies of the database that were made, by their whole paths.
backups = Table(
    "backups",
    metadata,
    Column("path", String, primary_key=True),
    Column("made_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

#: Digests of the names of what was erased with its conversation: told again, it is still known.
tombstones = Table(
    "tombstones",
    metadata,
    Column("name", String, primary_key=True),
    Column("until", Instant, nullable=False, index=True),
    sqlite_with_rowid=False,
)

#: What was erased, so that it can be erased again from what is restored. `subject` is a digest of
#: the person, or none; `conversations` are the ids of all that were emptied, as JSON.
erasures = Table(
    "erasures",
    metadata,
    Column("id", String, primary_key=True),
    Column("adapter", String),
    Column("subject", String),
    Column("conversations", Text, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("finished_at", Instant),
    sqlite_with_rowid=False,
)
