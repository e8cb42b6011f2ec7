"""The real daemon, in which the lane of one thread stands still for ever: a fault of our own.

Here, as in the other seeded faults, our own code is patched. It does so in its first life only.
"""

import asyncio
import os
from pathlib import Path

from bridge.errors import Rejected
from bridge.model.delivery import Outbound, Post
from bridge.plugin import text_of
from bridge.runtime.delivering.posting import Posting
from bridge.store import ThreadDelivery

#: What brings it about, and where it is remembered that it did.
WORD = "quicksand"
_ONCE = Path("stood-still")

_post = Posting.post


async def _stand_still(
    self: Posting, delivery: ThreadDelivery, outbound: Outbound
) -> Rejected | None:
    if isinstance(delivery.body, Post) and WORD in text_of(outbound.content) and not _ONCE.exists():
        _ONCE.touch()
        await asyncio.Event().wait()
    return await _post(self, delivery, outbound)


if __name__ == "__main__":
    Posting.post = _stand_still  # type: ignore[method-assign]  # the fault
    from bridge.cli import main

    os.chdir(os.environ["STATE_DIRECTORY"])
    main()
