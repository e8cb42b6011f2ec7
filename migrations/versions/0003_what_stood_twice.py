"""Which deliveries stood twice in their threads."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "twins",
        sa.Column("delivery", sa.String, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("removed_at", INSTANT),
        sa.PrimaryKeyConstraint("delivery", "reference", name="pk_twins"),
        sa.ForeignKeyConstraint(
            ["delivery"], ["deliveries.id"], name="fk_twins_delivery", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
