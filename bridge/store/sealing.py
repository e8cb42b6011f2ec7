"""How are tokens kept? Sealed with a key derived from a secret the operator already has."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"polyai-bridge: access tokens at rest, version 1"


class Sealer:
    """Seals and unseals with a key of its own: secret and salt give the same key again.

    Whoever has the database without the secret has nothing; a changed secret makes old seals
    unreadable, which costs the sessions they belong to and nothing else.
    """

    def __init__(self, secret: str, salt: str) -> None:
        derived = HKDF(SHA256(), length=32, salt=bytes.fromhex(salt), info=_PURPOSE)
        self._fernet = Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))

    def seal(self, token: str) -> str:
        """The token, unreadable without the key and impossible to alter unnoticed."""
        return self._fernet.encrypt(token.encode()).decode()

    def unseal(self, sealed: str) -> str | None:
        """The token, or None if it was sealed with another key or altered."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            return None
