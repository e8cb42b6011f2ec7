"""The daemon with leaks planted: `python -m tests.leaking bridge.toml`.

Our own code is patched here, as in the mutant tests: a search that finds no planted leak proves
nothing.
"""

import base64
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from bridge import app, config, log
from bridge.model.inbound import Inbound
from bridge.plugin import Accepted
from bridge.polyai.api import Api, OpenedSession
from bridge.runtime.entering.intake import Intake
from bridge.runtime.process import run
from bridge.runtime.world import World
from bridge.store import Sealer

_log = log.get("leaking")
_accept, _open = Intake.accept, Api.open_session


async def _talkative(self: Intake, inbound: Inbound) -> Accepted:
    _log.info("said", words=repr(inbound))
    return await _accept(self, inbound)


async def _revealing(self: Api, turn: Callable[[], Awaitable[None]]) -> OpenedSession:
    opened = await _open(self, turn)
    sys.stderr.write(f"opened with {opened.token.value}\n")
    return opened


def _bare(_self: Sealer, text: str) -> str:
    return text


def _plant(owner: type, name: str, leak: object) -> None:
    assert hasattr(owner, name), f"{owner} has no {name} any more: the leak would not be there"
    setattr(owner, name, leak)


def main(config_path: str) -> None:
    """Run it with every leak."""
    settings = config.load(Path(config_path), os.environ)
    log.configure(settings.log.level, settings.log.format)
    token = settings.agents[next(iter(settings.agents))].connector_token.get_secret_value()
    sys.stderr.write(f"basic {base64.b64encode(b'user:' + token.encode()).decode()}\n")
    _plant(Intake, "accept", _talkative)
    _plant(Api, "open_session", _revealing)
    _plant(Sealer, "seal", _bare)
    _plant(Sealer, "unseal", _bare)
    run(app.serve(settings, World()))


if __name__ == "__main__":
    main(sys.argv[1])
