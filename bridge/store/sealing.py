"""How are secrets kept? Sealed with a key derived from a secret that the operator gave."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: What a key is for: one secret gives a different key for each purpose.
TOKENS = "polyai-bridge: access tokens at rest, version 1"
MEMORY = "polyai-bridge: what adapters remember, version 1"


class Sealer:
    """Seals and unseals with a key of its own: secret and salt give the same key again.

    Whoever has the database without the secret has nothing; a changed secret makes old seals
    unreadable, which costs what was sealed and nothing else.
    """

    def __init__(self, secret: str, salt: str, purpose: str = TOKENS) -> None:
        derived = HKDF(SHA256(), length=32, salt=bytes.fromhex(salt), info=purpose.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))

    def seal(self, text: str) -> str:
        """The text, unreadable without the key and impossible to alter unnoticed."""
        return self._fernet.encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str | None:
        """The text, or None if it was sealed with another key or altered."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            return None
