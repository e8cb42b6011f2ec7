"""Who else can read our secrets? Files and directories that are open to other users of the machine.

The owner's group may read: that is how a service is given a configuration that root owns.
"""

import stat
from collections.abc import Iterator
from pathlib import Path

from bridge.config.sources import IN_A_FILE, Given, Key, Problem, dotted
from bridge.plugin.settings import is_loopback

#: How the keys of secrets end, in whichever plug-in's table.
_SECRET = ("token", "secret", "password", "key")
#: And those of ours that are called otherwise.
_OURS = {("alerts", "url"), ("telemetry", "headers")}


def exposures(given: Given) -> Iterator[Problem]:
    """Each file that holds a secret of ours and can be read, or changed, by any user."""
    for place, keys in _secret_places(given).items():
        path = Path(place.removeprefix(IN_A_FILE))
        what = f"{dotted(keys[0])} ({place})"
        if is_open(path, stat.S_IROTH):
            yield Problem(what, "can be read by every user of this machine", f"chmod o-rwx {path}")
        elif is_open(path, stat.S_IWOTH):
            yield Problem(what, "can be changed by every user of this machine", f"chmod o-w {path}")


def reached_by_others(given: Given, host: str) -> Iterator[Problem]:
    """That `/ready` and `/metrics`, which have no password, are served to other machines."""
    if not is_loopback(host):
        yield Problem(
            f"http.host ({given.place(('http', 'host'))})",
            "lets whoever reaches it ask for /ready and /metrics",
            "keep that network yours, or write 127.0.0.1 and put a proxy in front",
        )


def _secret_places(given: Given) -> dict[str, list[Key]]:
    """The files that hold secrets, each with the keys of those."""
    found: dict[str, list[Key]] = {}
    for key, each in given.values.items():
        in_file = each.place == given.file or each.place.startswith(IN_A_FILE)
        secret = str(key[-1]).endswith(_SECRET) or key in _OURS
        if in_file and each.value and secret:
            found.setdefault(each.place, []).append(key)
    return found


def is_open(path: Path, to: int) -> bool:
    """Whether other users can do that (`stat.S_IROTH` …) with `path`, and get there at all."""
    try:
        path = path.resolve(strict=True)
        reached = all(each.stat().st_mode & stat.S_IXOTH for each in path.parents)
        return reached and bool(path.stat().st_mode & to)
    except OSError:
        return False
