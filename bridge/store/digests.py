"""By what are words known again that are kept no more? By a keyed digest of them.

The key is made of `database.encryption_key`, where there is one, and the database's salt. So who
holds the database without that secret cannot try guesses; without an `encryption_key` they can,
and a digest of something short (a name, a "yes") hides nothing from them.
"""

import hashlib
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: The SQL functions by which a writing connection makes them.
OF_WORDS: Final = "digest_of_words"
OF_NAME: Final = "digest_of_name"
_PURPOSE: Final = b"polyai-bridge: digests of what is not kept, version 1"
_BYTES: Final = 12


class Digests:
    """Digests with one key; until it is known there are none."""

    def __init__(self) -> None:
        self._key: bytes | None = None

    def keyed(self, secret: str, salt: str) -> None:
        """From here on with the key that `secret` and the database's salt give."""
        derived = HKDF(SHA256(), length=32, salt=bytes.fromhex(salt), info=_PURPOSE)
        self._key = derived.derive(secret.encode())

    def of_words(self, words: str | None) -> str | None:
        """What stands for `words`; None before there is a key, and of nothing."""
        if self._key is None or not words:
            return None
        return hashlib.blake2b(words.encode(), digest_size=_BYTES, key=self._key).hexdigest()

    def of_name(self, adapter: str, name: str) -> str | None:
        """What stands for a platform's name of somebody or something."""
        return self.of_words(f"{adapter}\0{name}")
