"""Our bridge for the bench: the real daemon, the real Slack adapter, the real store.

Two things are not as in service. Slack's limits (300 posts a minute in a workspace) would be all
that a bench could measure, so each gate of the governor does its work with an allowance that nobody
uses up. And it may open as many sockets a second as it can.
`python -m tests.bench.ours CONFIG [forgetful]`: if forgetful, nothing is waited for to be on the
disk; all else is the same.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Pool, event

from adapters.slack import PLUGIN
from adapters.slack.settings import SlackSettings
from adapters.slack.web import buckets
from bridge import config, log
from bridge.app import Daemon
from bridge.model.ids import AdapterName
from bridge.runtime.adapters.configured import Configured
from bridge.runtime.outward import http_session
from bridge.runtime.process import run
from bridge.runtime.world import World
from bridge.store import open_store
from tests.bench.sampling import sampled
from tests.bench.standing import standing

#: New sockets and calls per second, so that the machine is the limit.
_CONNECTS = 1e6
_NO_LIMIT = buckets.Allowance(per_minute=60_000_000, burst=1_000_000)


def lift_limits() -> None:
    """From now on the gates of every governor that is made hold nobody up."""
    freely = dict.fromkeys(buckets._METHODS, _NO_LIMIT)
    vars(buckets).update(_METHODS=freely, _IN_CHANNEL=_NO_LIMIT)


def forget() -> None:
    """From now on no database of this process waits for the disk."""
    event.listen(Pool, "checkout", _unsynchronised)


def _unsynchronised(connection: Any, *_: object) -> None:  # noqa: ANN401 - the driver's own
    connection.execute("PRAGMA synchronous = OFF")


async def main(path: Path) -> None:
    """Run until SIGTERM."""
    settings = config.load(path, os.environ)
    own = config.adapter_settings(settings, AdapterName("slack"), SlackSettings)
    log.configure(settings.log.level, settings.log.format)
    adapter = Configured(AdapterName("slack"), PLUGIN, own)
    stop = asyncio.Event()
    standing()
    sampled()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with open_store(settings.database.url) as store, http_session() as http:
        await Daemon(settings, [adapter], store, http, World(), connects=_CONNECTS).run(stop)


if __name__ == "__main__":
    lift_limits()
    if "forgetful" in sys.argv[2:]:
        forget()
    run(main(Path(sys.argv[1])))
