"""What does a running bridge add to a trace? What it had not written yet, and what is wrong."""

from typing import Any

from bridge.runtime.control import Verb
from bridge.runtime.watching.status import Status
from bridge.store import Noted, Store


def trace_verb(store: Store, status: Status) -> Verb:
    """The verb `trace`: everything noted is written; answers with each trouble, by what it is with.

    Raises DatabaseFailed if it cannot be written.
    """

    async def verb(_: dict[str, Any]) -> dict[str, str]:
        await store.write(Noted())  # whatever waits rides along
        return {f"{one.dependency.value} {one.name}": one.sentence for one in status.troubles}

    return verb
