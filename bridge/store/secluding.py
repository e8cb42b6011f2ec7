"""Who else can read the database? Nobody: it holds people's words. Where others can, it is told."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bridge import log

_log = log.get("database")

#: What SQLite keeps beside the file; a crash leaves them, with the mode that they had.
_BESIDE = ("-wal", "-shm")


def create_private(path: Path) -> None:
    """Make the file, or close it to everybody but its owner.

    Raises:
        OSError: there can be none.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    with suppress(PermissionError):
        os.fchmod(descriptor, 0o600)
    os.close(descriptor)
    for name in _BESIDE:
        _close_to_others(Path(f"{path}{name}"))
    for trouble in _exposures(path):
        _log.warning("database.exposed", path=str(path), trouble=trouble)


def give_to_owner_of(other: Path, descriptor: int) -> None:
    """Let a file belong to whom `other` belongs to; only root can, and for others it does already.

    The service has a user of its own, and what root does beside it must not lock it out.
    """
    if os.geteuid() == 0:
        owner = other.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _close_to_others(path: Path) -> None:
    with suppress(OSError):  # it is not there, or a link that we do not follow
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)


def _exposures(path: Path) -> Iterator[str]:
    """What others can do with the database all the same."""
    found, directory = path.stat(), path.resolve().parent.stat()
    if found.st_uid not in {os.geteuid(), 0} and os.geteuid() != 0:
        yield "it belongs to another user, who can read it"
    elif found.st_mode & 0o077:
        yield "others can read it, and its mode cannot be changed"
    if directory.st_mode & stat.S_IWOTH:
        yield "every user of this machine can write in its directory"
