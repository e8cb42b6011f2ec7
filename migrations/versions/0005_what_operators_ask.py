"""What operators ask: of which kind each thing is, without its words, and where backups are."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("inbox", sa.Column("kind", sa.String))
    op.add_column("deliveries", sa.Column("kind", sa.String))
    op.execute("UPDATE inbox SET kind = json_extract(body, '$.body.type') WHERE body IS NOT NULL")
    op.execute("UPDATE deliveries SET kind = json_extract(body, '$.type')")
    op.create_table(
        "backups",
        sa.Column("path", sa.String, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_backups"),
        sqlite_with_rowid=False,
    )
