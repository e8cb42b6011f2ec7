"""Names that were met lately are kept as eleven characters each, all of a kind in one text.

Both kinds stand within a conversation's document: `session.shown` and `session.journal.ids`.
"""

import binascii
import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: How many documents are in memory at once.
_AT_ONCE = 200

conversations = sa.table("conversations", sa.column("id"), sa.column("state"))


def upgrade() -> None:
    connection = op.get_bind()
    last = ""
    while rows := connection.execute(
        sa.select(conversations.c.id, conversations.c.state)
        .where(conversations.c.id > last)
        .order_by(conversations.c.id)
        .limit(_AT_ONCE)
    ).all():
        for name, state in rows:
            found = _changed(json.loads(state))
            if found is not None:
                text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
                connection.execute(
                    sa.update(conversations).where(conversations.c.id == name).values(state=text)
                )
        last = rows[-1].id


def _changed(document: dict[str, Any]) -> dict[str, Any] | None:
    """The document as it is from now on; None if nothing changes."""
    session = document.get("session") or {}
    places = [(session, "shown"), (session.get("journal") or {}, "ids")]
    lists = [(place, name) for place, name in places if isinstance(place.get(name), list)]
    for place, name in lists:
        place[name] = "".join(map(_short, place[name]))
    return document if lists else None


def _short(name: str) -> str:
    digest = hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest()
    return binascii.b2a_base64(digest, newline=False)[:11].decode()
