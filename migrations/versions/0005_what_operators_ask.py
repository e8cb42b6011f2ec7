"""What operators ask: of which kind each thing is, without its words, and where backups are."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)

#: What is settled needs its words no more; but buttons that are offered are taken away by them.
_SETTLED = """
UPDATE deliveries SET body = '' WHERE state IN ('sent', 'dropped') AND id NOT IN (
    SELECT json_extract(state, '$.offered.delivery') FROM conversations
    WHERE json_extract(state, '$.offered.delivery') IS NOT NULL
    UNION SELECT json_extract(body, '$.target') FROM deliveries
    WHERE kind = 'retire' AND state IN ('pending', 'sending')
)"""


def upgrade() -> None:
    op.add_column("inbox", sa.Column("kind", sa.String))
    op.add_column("deliveries", sa.Column("kind", sa.String))
    op.execute("UPDATE inbox SET kind = json_extract(body, '$.body.type') WHERE body IS NOT NULL")
    op.execute("UPDATE deliveries SET kind = json_extract(body, '$.type')")
    for table in ("inbox", "deliveries"):
        for name in ("redriven_at", "alerted_at", "seen_at"):
            op.add_column(table, sa.Column(name, INSTANT))
        redriven = sa.Column("redriven", sa.Integer, nullable=False, server_default=sa.text("0"))
        op.add_column(table, redriven)
    op.add_column("deliveries", sa.Column("remedy", sa.String))
    op.add_column("inbox", sa.Column("dead_at", INSTANT))
    op.add_column("inbox", sa.Column("reason", sa.String))
    dead = sa.text("dead_at IS NOT NULL")
    op.create_index("ix_inbox_dead", "inbox", ["dead_at"], sqlite_where=dead)
    dead = sa.text("state = 'dead'")
    op.create_index("ix_deliveries_dead", "deliveries", ["target"], sqlite_where=dead)
    op.add_column("sessions", sa.Column("correlation_id", sa.String))
    for table in ("inbox", "deliveries"):
        nothing = sa.text("''")
        op.add_column(table, sa.Column("hops", sa.String, nullable=False, server_default=nothing))
    op.create_table(
        "conversation_hops",
        sa.Column(
            "conversation",
            sa.String,
            sa.ForeignKey(
                "conversations.id",
                name="fk_conversation_hops_conversation",
                ondelete="CASCADE",
            ),
            nullable=False,
        ),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("conversation", "at", "what", name="pk_conversation_hops"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "backups",
        sa.Column("path", sa.String, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_backups"),
        sqlite_with_rowid=False,
    )
    for table in ("inbox", "deliveries"):
        op.add_column(table, sa.Column("size", sa.Integer))
        op.add_column(table, sa.Column("digest", sa.String))
        op.execute(f"UPDATE {table} SET size = length(body) WHERE body IS NOT NULL")  # noqa: S608 - ours
    op.add_column("deliveries", sa.Column("only_for", sa.String))
    op.execute("UPDATE deliveries SET only_for = json_extract(body, '$.only_for')")
    op.execute(_SETTLED)
    op.create_table(
        "tombstones",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_tombstones"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_tombstones_until", "tombstones", ["until"])
    op.create_table(
        "erasures",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("adapter", sa.String),
        sa.Column("subject", sa.String),
        sa.Column("conversations", sa.Text, nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
        sqlite_with_rowid=False,
    )
