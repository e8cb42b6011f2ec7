"""What does an adapter remember? Text by key, of this adapter alone; its secrets sealed."""

import json
import re
from typing import Final

from bridge import log
from bridge.errors import ConfigurationError
from bridge.model.ids import AdapterName
from bridge.store import Discard, Keep, Kept, Sealer, Store

_log = log.get("memory")

#: How long a text may be that is looked through for secrets, in characters.
_LONGEST: Final = 4_096
_SECRET: Final = re.compile(r"(token|secret|password|_key)$")


class AdapterMemory:
    """The memory lent to one adapter; without a `sealer` it can keep no secrets."""

    def __init__(self, adapter: AdapterName, store: Store, sealer: Sealer | None) -> None:
        self._adapter = adapter
        self._store = store
        self._sealer = sealer
        self._warned = False

    async def recall(self, key: str) -> str | None:
        """What was remembered under `key`; None if nothing was, or it cannot be unsealed."""
        kept = await self._store.kept(self._adapter, key)
        return self._unsealed(kept) if kept else None

    async def recall_all(self, prefix: str) -> dict[str, str]:
        """Everything under keys that begin with `prefix`, except what cannot be unsealed."""
        found = {
            kept.key: self._unsealed(kept)
            for kept in await self._store.all_kept(self._adapter, prefix)
        }
        return {key: text for key, text in found.items() if text is not None}

    async def remember(self, key: str, text: str, *, secret: bool = False) -> None:
        """Keep `text` in place of what was there; sealed at rest if it is `secret`.

        Raises:
            DatabaseFailed: it is not kept.
            ConfigurationError: it is a secret, and there is no key to seal it with.
        """
        value = self._sealed(text) if secret else text
        await self._store.write(Keep(adapter=self._adapter, key=key, value=value, sealed=secret))

    async def forget(self, key: str) -> None:
        """Keep nothing under `key`."""
        await self._store.write(Discard(adapter=self._adapter, key=key))

    def _sealed(self, text: str) -> str:
        if self._sealer is None:
            raise no_key(self._adapter)
        _learn(text)
        return self._sealer.seal(text)

    def _unsealed(self, kept: Kept) -> str | None:
        if not kept.sealed:
            return kept.value
        text = self._sealer.unseal(kept.value) if self._sealer else None
        if text is None and not self._warned:
            # Once: whoever asks for one asks for all of them, and for the same reason.
            self._warned = True
            _log.warning("memory.sealed_otherwise", adapter=self._adapter)
        if text is not None:
            _learn(text)
        return text


def _learn(text: str) -> None:
    """Keep out of the log what an adapter keeps as a secret: a word, or what a document names so.

    Longer texts are keys and the like, which nothing would print.
    """
    if len(text) > _LONGEST:
        return
    try:
        document = json.loads(text)
    except ValueError:
        document = {"secret": text}
    for key, value in document.items() if isinstance(document, dict) else ():
        if isinstance(value, str) and " " not in value and _SECRET.search(key):
            log.learn(value)


def no_key(adapter: AdapterName) -> ConfigurationError:
    """The refusal of an adapter that remembers secrets where nothing can seal them."""
    return ConfigurationError(
        f"database.encryption_key: is missing, and the adapter {adapter} keeps secrets",
        remedy="make one with `openssl rand -hex 32` and set POLYAI_BRIDGE_DATABASE__ENCRYPTION_KEY"
        ", or put it in a file called database__encryption_key in secrets_dir or in systemd's "
        "credentials directory",
    )
