"""What does this machine look like to the bridge that a configuration describes? Only looked at."""

import os
import socket
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from bridge.config import Settings
from bridge.errors import BridgeError
from bridge.runtime.control import control_path, reachable
from bridge.runtime.watching.disk import Space, space_at
from bridge.store import database_path, schema_of

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What was seen."""

    database: Path  #: whole, wherever the bridge is started
    directory: str | None  #: what is wrong with the directory of the database
    filesystem: str  #: which kind it is on; empty where the system does not say
    space: Space | None
    schema: str  #: the database's; empty if there is none, or it cannot be read
    running: bool  #: whether a bridge serves it just now
    listening: str | None  #: why nobody can listen where health is to be served
    files: int | None  #: how many files and sockets a process may be let open
    secret_files: tuple[Path, ...]  #: in `secrets_dir` and systemd's directory
    proxies: tuple[str, ...]  #: variables that name a proxy
    root: bool  #: whether this is the administrator


def look(settings: Settings, environment: Mapping[str, str]) -> Surroundings:
    """Look at the machine; changes nothing."""
    database = database_path(settings.database.url).resolve()
    running = _is_running(database)
    return Surroundings(
        database=database,
        directory=_unusable(database),
        filesystem=_filesystem(database.parent),
        space=_space(database.parent),
        schema=_schema(settings),
        running=running,
        listening=None if running else _not_listening(settings.http.host, settings.http.port),
        files=resource.getrlimit(resource.RLIMIT_NOFILE)[1] if resource else None,
        secret_files=tuple(_secret_files(settings, environment)),
        proxies=tuple(name for name in _PROXIES if environment.get(name)),
        root=hasattr(os, "geteuid") and os.geteuid() == 0,
    )


#: How long a bridge may take to be asked, in seconds: one that hangs takes nobody in.
_PATIENCE = 2.0
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def _unusable(database: Path) -> str | None:
    directory = database.parent
    if not directory.is_dir():
        return "does not exist"
    if not os.access(directory, os.W_OK | os.X_OK):
        return "cannot be written by this user"
    if database.exists() and not os.access(database, os.R_OK | os.W_OK):
        return "holds a database that this user cannot read and write"
    return None


def _filesystem(directory: Path) -> str:
    """As Linux tells it (proc_pid_mountinfo(5)): that of the longest mount point above it."""
    with suppress(OSError, IndexError):
        mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        above = [
            (len(mount[4]), mount[mount.index("-") + 1])
            for mount in mounts
            if directory.is_relative_to(mount[4].encode().decode("unicode_escape"))
        ]
        return max(above)[1]
    return ""


def _space(directory: Path) -> Space | None:
    with suppress(OSError):
        return space_at(directory)
    return None


def _schema(settings: Settings) -> str:
    with suppress(BridgeError):  # the start says what is wrong with it
        return schema_of(settings.database.url)
    return ""


def _is_running(database: Path) -> bool:
    with suppress(OSError), closing(socket.socket(socket.AF_UNIX)) as asking:
        asking.settimeout(_PATIENCE)
        with reachable(control_path(database)) as name:
            asking.connect(name)
        return True
    return False


def _not_listening(host: str, port: int) -> str | None:
    try:
        kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(kind, socket.SOCK_STREAM)) as trying:
            trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trying.bind(address)
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


def _secret_files(settings: Settings, environment: Mapping[str, str]) -> list[Path]:
    named = (settings.secrets_dir, environment.get("CREDENTIALS_DIRECTORY"))
    found: list[Path] = []
    for directory in named:
        if directory:
            with suppress(OSError):
                found += sorted(Path(directory).iterdir())
    return found
