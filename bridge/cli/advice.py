"""What is likely a mistake, though it can be configured so? Decided here, looked at elsewhere.

`docs/setup-mistakes.md` lists these together with what is refused outright.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import combinations
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bridge.cli.surroundings import Surroundings
from bridge.config import Settings, secrets_in
from bridge.plugin.settings import is_loopback
from bridge.runtime.adapters.configured import Configured
from bridge.runtime.watching.disk import Floor, judged
from bridge.store import NEWEST, knows

#: File systems of a network, or of a program: their locks and syncs may not hold what they promise.
_REMOTE: Final = re.compile(r"nfs|cifs|smb|fuse|9p|afs|ceph|gluster", re.I)
#: What stands where somebody meant to write a secret, or was left around one when it was pasted.
_PLACEHOLDER: Final = re.compile(r"(?i)^(your|change|replace|todo|example|xxx|secret$|<)|…|\.\.\.")
_WRAPPED: Final = re.compile(r"^[\"'`].*[\"'`]$|^(?i:bearer )|^\w+=")
#: Below so many open files a busy day has no room: each open conversation is a socket.
_FEW_FILES: Final = 4096


#: How far our clock may be from PolyAI's, which tells whole seconds and is some way off.
_CLOCKS_APART: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is likely a mistake; `fatal` if the bridge will not start."""

    where: str
    what: str
    remedy: str
    fatal: bool = False

    def __str__(self) -> str:
        word = "error" if self.fatal else "warning"
        return f"{word}: {self.where}: {self.what}; what to do: {self.remedy}"


def findings(settings: Settings, adapters: list[Configured], seen: Surroundings) -> list[Finding]:
    """Everything that was found, what keeps the bridge from starting first."""
    found = [
        *_database(settings, seen),
        *_listener(settings, seen),
        *_machine(settings, seen),
        *_agents(settings),
        *_routes(settings),
        *_adapters(settings, adapters),
        *_secrets(settings, adapters, seen),
    ]
    return sorted(found, key=lambda one: not one.fatal)


def _database(settings: Settings, seen: Surroundings) -> Iterator[Finding]:
    where = f"database.url ({seen.database})"
    if seen.directory:
        what = f"the directory {seen.database.parent} {seen.directory}"
        yield Finding(where, what, "create it, or let this user write there", fatal=True)
    if _REMOTE.search(seen.filesystem):
        yield Finding(
            where,
            f"it is on {seen.filesystem}, a file system whose locks and syncs may not hold",
            "put the database on a local disk",
        )
    if seen.schema and not knows(seen.schema):
        what = f"the database has schema {seen.schema}, which this version does not know"
        yield Finding(where, what, "install the newer version that wrote it", fatal=True)
    elif seen.schema not in {"", NEWEST} and not settings.database.auto_migrate:
        what = "the database has an older schema, and database.auto_migrate is off"
        yield Finding(where, what, "run `polyai-bridge migrate`", fatal=True)
    floor = Floor(settings.health.disk_free, settings.health.inodes_free)
    low = judged(seen.space, floor, low=False) if seen.space else None
    if low:
        yield Finding(where, low, "make room, or lower health.disk_free")
    if seen.running:
        what = "a bridge serves this database just now"
        yield Finding(where, what, "what is changed here takes effect when it is restarted")


def _listener(settings: Settings, seen: Surroundings) -> Iterator[Finding]:
    http = settings.http
    if seen.listening:
        yield Finding(
            "http.host and http.port",
            f"nobody can listen on {http.host}:{http.port}: {seen.listening}",
            "choose another port, or 0 for any free one",
            fatal=True,
        )


def _machine(settings: Settings, seen: Surroundings) -> Iterator[Finding]:
    if seen.files is not None and seen.files < _FEW_FILES:
        yield Finding(
            "this machine",
            f"a process may open {seen.files} files; each open conversation is a socket",
            f"raise it to {_FEW_FILES} or more (ulimit -n, LimitNOFILE= of a service)",
        )
    if seen.proxies:
        yield Finding(
            f"environment variable {seen.proxies[0]}",
            "the bridge goes by no proxy: it connects straight to PolyAI and the platforms",
            "let this machine connect there on port 443",
        )
    if seen.root:
        yield Finding(
            "this machine",
            "this is root; the bridge needs no rights at all",
            "run it as a user of its own, as its service unit does",
        )


def _agents(settings: Settings) -> Iterator[Finding]:
    for name, agent in settings.agents.items():
        base = urlsplit(agent.base_url)
        local = is_loopback(base.hostname or "")
        if base.path.strip("/"):
            yield Finding(
                f"agents.{name}.base_url",
                "it has a path, and the bridge adds PolyAI's own",
                "leave the path out: https://messaging.us-1.poly.ai",
            )
        elif not local and not (base.hostname or "").endswith("poly.ai"):
            yield Finding(
                f"agents.{name}.base_url",
                f"{base.hostname} is no host of PolyAI",
                "write https://messaging.us-1.poly.ai, uk-1 or euw-1; or it is a gateway of yours",
            )
        host = urlsplit(agent.host)
        if not host.scheme or host.path or host.query:
            yield Finding(
                f"agents.{name}.host",
                "it is sent byte for byte, and a host is mostly registered like https://www.example.com",
                "compare it with Agent Studio: the scheme, no path, no slash at its end",
            )
        routed = {route.agent for route in settings.routes}
        if name != "default" and name not in routed:
            yield Finding(
                f"agents.{name}", "no route leads to it", "add a [[routes]] entry, or take it out"
            )


def _routes(settings: Settings) -> Iterator[Finding]:
    for number, route in enumerate(settings.routes):
        where = f"routes[{number}]"
        for before, earlier in enumerate(settings.routes[:number]):
            if earlier.adapter == route.adapter and earlier.channel in (None, route.channel):
                what = f"it never counts, as routes[{before}] matches all that it does"
                yield Finding(where, what, "put it before that one, or take it out")
                break
        if (route.channel or "").startswith("#"):
            yield Finding(
                f"{where}.channel",
                "it is a name; routes go by the platform's own id",
                "write the id, such as C0123456789: the channel's details show it",
            )


def _adapters(settings: Settings, adapters: list[Configured]) -> Iterator[Finding]:
    for one in adapters:
        if not one.ours and not one.isolated:
            yield Finding(
                f"adapters.{one.name}.isolation",
                "a stranger's plug-in runs within the bridge: what it does wrong ends all",
                'take `isolation = "none"` out',
            )
    for one, other in combinations(adapters, 2):
        same = settings.adapters[one.name].type == settings.adapters[other.name].type
        shared = set(_given(one)) & set(_given(other))
        if same and shared:
            yield Finding(
                f"adapters.{one.name} and adapters.{other.name}",
                "they have the same secret, so what is said may reach only one of them, or both",
                "give each an account of its own, or take one out",
            )


def _given(one: Configured) -> Iterator[str]:
    return (each for each in secrets_in(one.settings) if each) if one.settings else iter(())


def _secrets(
    settings: Settings, adapters: list[Configured], seen: Surroundings
) -> Iterator[Finding]:
    """A secret is named by its table alone: which of them it is would say too much of its form."""
    tables: list[tuple[str, object]] = [
        *((f"agents.{name}", agent) for name, agent in settings.agents.items()),
        *((f"adapters.{one.name}", one.settings) for one in adapters if one.settings),
    ]
    for where, table in tables:
        for secret in filter(None, secrets_in(table)):
            if _WRAPPED.search(secret):
                what = "a secret has quotes, a name or `Bearer` around it"
                yield Finding(where, what, "give the bare value")
            elif _PLACEHOLDER.search(secret):
                yield Finding(where, "a secret is a placeholder", "put the real one there")
    for file in seen.secret_files:
        meant = _meant(file, settings)
        if meant:
            yield Finding(
                f"secret file {file}", "its name is no key, so it is left alone", f"call it {meant}"
            )


def _meant(file: Path, settings: Settings) -> str | None:
    """The name that a file of secrets was likely to have; None if it has one, or means nothing."""
    bare = file.name.lower().removeprefix("polyai_bridge_").partition(".")[0]
    section, _, _ = bare.partition("__")
    ours = section in type(settings).model_fields and "__" in bare
    return bare if ours and bare != file.name else None


def clock_finding(agent: str, date: str, now: datetime) -> Finding | None:
    """Whether our clock differs from that of an agent's server, by the `Date` of its answer."""
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return None
    if abs(theirs - now) <= _CLOCKS_APART:
        return None
    seconds = round((now - theirs).total_seconds())
    return Finding(
        "this machine",
        f"its clock differs by {seconds:+} s from that of agent {agent}: signatures and tokens "
        "may be refused",
        "set it by NTP",
    )
