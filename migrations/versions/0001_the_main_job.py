"""Conversations, sessions, the inbox and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "facts",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("value", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_facts"),
    )
    op.execute("INSERT INTO facts (name, value) VALUES ('salt', lower(hex(randomblob(16))))")
    op.create_table(
        "conversations",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("adapter", sa.String, nullable=False),
        sa.Column("thread", sa.String, nullable=False),
        sa.Column("agent", sa.String, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("touched_at", INSTANT, nullable=False),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
        sa.UniqueConstraint("adapter", "thread", name="uq_conversations_adapter_thread"),
    )
    op.create_index(
        "ix_conversations_live", "conversations", ["live"], sqlite_where=sa.text("live")
    )
    op.create_table(
        "sessions",
        sa.Column("conversation", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("session_id", sa.String, nullable=False),
        sa.Column("sealed_token", sa.String),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("closed_at", INSTANT),
        sa.PrimaryKeyConstraint("conversation", "number", name="pk_sessions"),
        sa.ForeignKeyConstraint(
            ["conversation"], ["conversations.id"], name="fk_sessions_conversation"
        ),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("conversation", sa.String),
        sa.Column("adapter", sa.String, nullable=False),
        sa.Column("thread", sa.String, nullable=False),
        sa.Column("sort", sa.String, nullable=False),
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("body", sa.Text),
        sa.Column("accepted_at", INSTANT, nullable=False),
        sa.Column("done_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_inbox"),
        sa.ForeignKeyConstraint(
            ["conversation"], ["conversations.id"], name="fk_inbox_conversation"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_inbox_open", "inbox", ["conversation"], sqlite_where=sa.text("done_at IS NULL")
    )
    op.create_index(
        "ix_inbox_unclaimed",
        "inbox",
        ["adapter", "thread"],
        sqlite_where=sa.text("conversation IS NULL"),
    )
    op.create_table(
        "identities",
        sa.Column("adapter", sa.String, nullable=False),
        sa.Column("identity", sa.String, nullable=False),
        sa.Column("entry", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("adapter", "identity", name="pk_identities"),
        sa.ForeignKeyConstraint(
            ["entry"], ["inbox.id"], name="fk_identities_entry", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_identities_entry", "identities", ["entry"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("conversation", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("owed_at", INSTANT, nullable=False),
        sa.Column("attempted_at", INSTANT),
        sa.Column("settled_at", INSTANT),
        sa.Column("reference", sa.String),
        sa.Column("reason", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(
            ["conversation"], ["conversations.id"], name="fk_deliveries_conversation"
        ),
        sa.UniqueConstraint("conversation", "number", name="uq_deliveries_conversation_number"),
    )
    op.create_index(
        "ix_deliveries_open",
        "deliveries",
        ["target", "conversation"],
        sqlite_where=sa.text("state IN ('pending', 'sending')"),
    )
