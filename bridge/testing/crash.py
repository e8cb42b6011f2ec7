"""The real daemon, which dies by SIGKILL the n-th time it passes a named point.

`python -m bridge.testing.crash after-accept:2 bridge.toml` is `polyai-bridge run` with a death
built in. The points are those of `bridge.runtime.world`; in service, passing them does nothing.
"""

import os
import signal
import sys
from pathlib import Path

from bridge import app, config, log
from bridge.errors import BridgeError
from bridge.runtime.process import run
from bridge.runtime.world import POINTS, World


class Death:
    """Counts the passings of one point and ends the process at the chosen one."""

    def __init__(self, point: str, passing: int) -> None:
        if point not in POINTS:
            raise ValueError(f"no point {point!r}; there are: {', '.join(POINTS)}")
        self._point = point
        self._left = passing

    def __call__(self, point: str) -> None:
        """Die here, or count down."""
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def main(at: str, config_path: str) -> None:
    """Run the daemon with the death `POINT:N`; with none if that is empty."""
    settings = config.load(Path(config_path), os.environ)
    log.configure(settings.log.level, settings.log.format, settings.log.sampling)
    log.surface()
    run(app.serve(settings, _world(at)))


def _world(at: str) -> World:
    if not at:
        return World()
    point, _, passing = at.partition(":")
    return World(reached=Death(point, int(passing or "1")))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except BridgeError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
