"""Which names were met lately? Each is kept as eleven characters, all of them in one text.

PolyAI's names are UUIDs: written out, a few hundred of them would be most of the document that
every step saves. One that was never met is taken for one that was less than once in 10^15 times.
"""

import binascii
import functools
import hashlib

_BYTES = 8
_WIDTH = 11  #: of so many bytes in base64, without its padding


def met(recent: str, name: str) -> bool:
    """Whether `name` is among them."""
    return _short(name) in recent


def meet(recent: str, name: str, most: int) -> str:
    """With `name` as the newest; the oldest are forgotten, so that at most `most` remain."""
    return (recent + _short(name))[-_WIDTH * most :]


@functools.lru_cache(maxsize=64)  # each is asked for several times while it is followed
def _short(name: str) -> str:
    digest = hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=_BYTES).digest()
    return binascii.b2a_base64(digest, newline=False)[:_WIDTH].decode()
