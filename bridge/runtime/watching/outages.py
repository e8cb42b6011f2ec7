"""What does the log say of a trouble that is looked for? Once that it began, once that it ended."""

from collections.abc import Iterable

from bridge import log
from bridge.runtime.watching.trouble import Dependency, Trouble

_log = log.get("health")


class Outages:
    """The troubles of one watcher, as they were told last."""

    def __init__(self) -> None:
        self._told: dict[tuple[Dependency, str], Trouble] = {}

    def note(self, troubles: Iterable[Trouble]) -> None:
        """These there are now. A figure that changes within a sentence is no news."""
        now = {(one.dependency, one.name): one for one in troubles}
        for key, trouble in now.items():
            if key not in self._told:
                _log.warning(
                    "health.trouble", dependency=key[0], name=key[1], error=trouble.sentence
                )
        for key in self._told.keys() - now.keys():
            _log.info("health.mended", dependency=key[0], name=key[1])
        self._told = now
