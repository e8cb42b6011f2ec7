"""What stands for words that are kept no more."""

import sqlite3
from contextlib import closing
from pathlib import Path

from bridge.store import open_store
from bridge.store.digests import Digests
from tests.unit.store.given import accept, made, said

SALT, OTHER_SALT = "00" * 16, "11" * 16


def keyed(secret: str, salt: str = SALT) -> Digests:
    """Digests with a key."""
    digests = Digests()
    digests.keyed(secret, salt)
    return digests


def test_the_same_words_have_the_same_digest_with_the_same_key_alone() -> None:
    digests = [keyed("a"), keyed("b"), keyed("a", OTHER_SALT), keyed("")]

    assert keyed("a").of_words("hello") == digests[0].of_words("hello")
    assert len({one.of_words("hello") for one in digests}) == 4


def test_without_a_key_and_of_nothing_there_is_none() -> None:
    assert Digests().of_words("hello") is None
    assert keyed("a").of_words(None) is None
    assert keyed("a").of_words("") is None


def test_a_name_is_of_its_adapter() -> None:
    digests = keyed("a")

    assert digests.of_name("slack", "U1") != digests.of_name("teams", "U1")


async def test_who_holds_the_database_and_not_the_key_cannot_try_guesses(tmp_path: Path) -> None:
    """The same database twice, with a secret that is not in it: the digests differ."""
    found = []
    for secret in ("s" * 32, ""):
        async with open_store(made(tmp_path), key=secret) as store:
            await store.write(accept(said("hello", opens=True)))
        with closing(sqlite3.connect(tmp_path / "bridge.db")) as connection:
            ((digest, salt),) = connection.execute(
                "SELECT digest, value FROM inbox, facts WHERE name = 'salt'"
            )
            body = connection.execute("SELECT body FROM inbox").fetchone()[0]
        found.append(digest)
        guessed = keyed("", salt).of_words(body)
        assert (guessed == digest) == (secret == "")
    assert found[0] != found[1]
