"""Who says that our device is ours? An identity of the account, which signs each of its devices.

Without, clients that give their keys to devices vouched for by their owners alone give us none. By
the specification: client-server API, "Cross-signing".
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.matrix import endpoints
from adapters.matrix.calls import Calls
from adapters.matrix.encryption.records import Records
from adapters.matrix.encryption.signing import canonical, mapping, padded, unpadded
from bridge.errors import CredentialsRefused, Rejected

_log = logging.getLogger("polyai_bridge.matrix")

_TAKEN = "the account has another identity, made by a client or with another database"


class Identity:
    """A master key, and one that it lets sign devices."""

    def __init__(self, user: str, master: Ed25519PrivateKey, signer: Ed25519PrivateKey) -> None:
        self._user = user
        self._master = master
        self._signer = signer

    @classmethod
    def new(cls, user: str) -> "Identity":
        """One that nobody has."""
        return cls(user, Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, user: str, text: str) -> "Identity":
        """One as `written` gave it."""
        master, signer = (
            Ed25519PrivateKey.from_private_bytes(padded(seed)) for seed in json.loads(text)
        )
        return cls(user, master, signer)

    @property
    def written(self) -> str:
        """Its seeds: a secret."""
        return json.dumps(
            [unpadded(key.private_bytes_raw()) for key in (self._master, self._signer)]
        )

    @property
    def name(self) -> str:
        """Its public key, by which others know it."""
        return _public(self._master)

    def published(self) -> dict[str, Any]:
        """What everybody may see of it."""
        master, signer = self._described("master"), self._described("self_signing")
        return {
            "master_key": master,
            "self_signing_key": self._signed(self._master, signer),
        }

    def vouching(self, device: Mapping[str, Any]) -> dict[str, Any]:
        """The description of a device of ours, with its signature alone."""
        plain = {k: v for k, v in device.items() if k not in {"signatures", "unsigned"}}
        return self._signed(self._signer, plain)

    def _described(self, usage: str) -> dict[str, Any]:
        key = _public(self._master if usage == "master" else self._signer)
        return {"user_id": self._user, "usage": [usage], "keys": {f"ed25519:{key}": key}}

    def _signed(self, key: Ed25519PrivateKey, told: Mapping[str, Any]) -> dict[str, Any]:
        signature = unpadded(key.sign(canonical(told)))
        return {**told, "signatures": {self._user: {f"ed25519:{_public(key)}": signature}}}


async def vouch(
    calls: Calls, records: Records, known: Mapping[str, Any], device: Mapping[str, Any]
) -> None:
    """Let the account's identity sign our device, made first if there is none; again is once.

    `known` is the answer to a query for our own keys, `device` our device's description. An account
    whose identity is somebody else's goes on without: that is said in the log.

    Raises like `Calls.ask`, and DatabaseFailed.
    """
    user = str(device["user_id"])
    master = mapping(mapping(known.get("master_keys")).get(user))
    kept = await records.identity(user)
    identity = Identity.read(user, kept) if kept else Identity.new(user)
    if master and identity.name not in mapping(master.get("keys")).values():
        _log.warning("matrix.not_vouched", extra={"error": _TAKEN})
        return
    if not kept:
        await records.keep_identity(user, identity.written)
    try:
        if not master:
            await calls.ask(endpoints.publish_identity(identity.published()))
        vouched = {user: {str(device["device_id"]): identity.vouching(device)}}
        await calls.ask(endpoints.publish_signatures(vouched))
    except (Rejected, CredentialsRefused) as error:  # a server that asks for a password each time
        _log.warning("matrix.not_vouched", extra={"error": error.message})


def _public(key: Ed25519PrivateKey) -> str:
    return unpadded(key.public_key().public_bytes_raw())
