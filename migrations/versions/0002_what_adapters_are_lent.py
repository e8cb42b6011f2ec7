"""Which conversations are open, who takes part in them, and what adapters remember."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a default, as SQLite adds such a column in place: the table is not copied, and nothing
    # that points at it has to be let go of meanwhile.
    op.add_column(
        "conversations",
        sa.Column("open", sa.Boolean, nullable=False, server_default=sa.text("0")),
    )
    # A quiet conversation is not live, but it goes on: its document still has a session.
    op.execute(
        "UPDATE conversations SET open = live OR json_extract(state, '$.session') IS NOT NULL"
    )
    op.create_index(
        "ix_conversations_open",
        "conversations",
        ["adapter", "thread"],
        sqlite_where=sa.text("open"),
    )
    op.create_table(
        "people",
        sa.Column("adapter", sa.String, nullable=False),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("conversation", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("adapter", "person", "conversation", name="pk_people"),
        sa.ForeignKeyConstraint(
            ["conversation"],
            ["conversations.id"],
            name="fk_people_conversation",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_people_conversation", "people", ["conversation"])
    # Who spoke last is all that is known of the past.
    op.execute(
        "INSERT INTO people (adapter, person, conversation) "
        "SELECT adapter, json_extract(state, '$.speaker.id'), id FROM conversations "
        "WHERE json_extract(state, '$.speaker.id') IS NOT NULL"
    )
    op.create_table(
        "memory",
        sa.Column("adapter", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("sealed", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("adapter", "key", name="pk_memory"),
        sqlite_with_rowid=False,
    )
