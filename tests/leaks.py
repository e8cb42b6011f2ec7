"""What a test used that nobody may see, and whether any of it can be seen afterwards.

After each test of the real process everything is searched that its processes printed and wrote:
logs, databases with their journals, backups, what commands answered, `/ready` and `/metrics`, the
titles of processes. Secrets may be nowhere but in the files that gave them; what people and the
agent said may be in the database and nowhere else, their names neither.

    polyai = leaks.played(PolyAISimulator(…))   # its tokens and words are looked for
    leaks.shown("a command's answer", out)       # seen by somebody, and in no file
"""

import asyncio
import base64
import json
import os
import re
import tomllib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote, quote_plus

from bridge.simulators.polyai import PolyAISimulator
from bridge.simulators.slack import SlackSimulator
from bridge.simulators.slack_town import SlackTown

Played = TypeVar("Played", PolyAISimulator, SlackSimulator, SlackTown)

#: The keys that hold secrets; a test holds every settings model to it.
SECRET_KEY: Final = re.compile(r"(^|_)(token|secret|password|encryption_key)$")
#: And those that are one only in their own table.
SECRET_IN: Final = {"alerts": {"url"}, "telemetry": {"headers"}}
#: Secrets and words that are shorter, in characters, may stand anywhere by chance.
_SHORTEST: Final = 8
_DISTINCTIVE: Final = 12
#: How long a page may take, in seconds: the bridge may have been stopped in the middle.
_PAGE: Final = 1.0
#: How much of what was said is looked for.
_BEGINNING: Final = 60
#: What the tests write themselves; nothing of it can be a leak. `.lines`: what a platform shows.
_OURS: Final = {".toml", ".py", ".pyc", ".pth", ".whl", ".so", ".lines"}
_SECRETS_DIRECTORY: Final = re.compile(r"secret|credential")
_DATABASE: Final = re.compile(rb"SQLite format 3\0|\x37\x7f\x06[\x82\x83]|\xd9\xd5\x05\xf9")
#: What looks like a secret whoever made it, unless it is masked.
_SHAPES: Final = (
    re.compile(rb"eyJ[\w-]{8,}\.[\w-]{8,}", re.ASCII),
    re.compile(rb"access_token=(?!\[secret\])[\w.%-]{6,}", re.ASCII),
    re.compile(rb"[?&]ticket=(?!\[secret\])[\w.%-]{6,}", re.ASCII),
    re.compile(rb"Bearer (?!\[secret\])[\w.~+/-]{8,}", re.ASCII),
    re.compile(rb"xox[a-z]{1,2}-(?!\[secret\])[\w-]{6,}", re.ASCII),
    re.compile(rb"xapp-(?!\[secret\])[\w-]{6,}", re.ASCII),
)


@dataclass(slots=True)
class _Test:
    """What is known of the test that runs."""

    #: Bounded, for runs of thousands of scenes that are no tests.
    played: deque[PolyAISimulator | SlackSimulator | SlackTown] = field(
        default_factory=lambda: deque(maxlen=100)
    )
    shown: deque[tuple[str, bytes]] = field(default_factory=lambda: deque(maxlen=1_000))
    secrets: set[str] = field(default_factory=set)


_test = _Test()


def forget() -> None:
    """Another test begins."""
    for kept in (_test.played, _test.shown, _test.secrets):
        kept.clear()


def played(simulator: Played) -> Played:
    """`simulator`, whose tokens and words are looked for when the test is over."""
    _test.played.append(simulator)
    return simulator


def shown(where: str, what: str | bytes) -> None:
    """Somebody saw this."""
    _test.shown.append((where, what.encode() if isinstance(what, str) else what))


def looks(data: bytes) -> Iterator[str]:
    """What is there that looks like a secret, whoever made it."""
    yield from (f"what looks like {p.pattern!r}" for p in _SHAPES if p.search(data))


def titles(pid: int) -> None:
    """Everybody on the machine sees how a process and its children were called."""
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (str(pid), *children):
            shown("the title of a process", Path(f"/proc/{one}/cmdline").read_bytes())


async def pages(printed: Path) -> None:
    """Everybody on the machine sees what the bridge says of itself, where its log says that is."""
    ports = re.findall(rb"listener\.ready.*?port\W+(\d+)", printed.read_bytes())
    for path in ("ready", "metrics") if ports else ():
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_PAGE):
                reader, writer = await asyncio.open_connection("127.0.0.1", int(ports[-1]))
                writer.write(f"GET /{path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
                shown(f"/{path}", await reader.read())
                writer.close()


def secret(*told: str) -> None:
    """The test used these besides what its configuration holds."""
    _test.secrets.update(told)


@dataclass(frozen=True)
class Needles:
    """What is looked for, in bytes; each by what it is called."""

    anywhere: dict[bytes, str]  #: secrets, in every form
    tokens: set[bytes]  #: what the simulators gave out
    said: dict[bytes, str]
    names: re.Pattern[bytes] | None

    def in_data(self, data: bytes) -> Iterator[str]:
        """What of the secrets is there."""
        yield from {what for needle, what in self.anywhere.items() if needle in data}
        if any(token in data for token in self.tokens):
            yield "a token"
        yield from looks(data)

    def in_log(self, data: bytes) -> Iterator[str]:
        """What is there of what people said, and who they are."""
        yield from {what for needle, what in self.said.items() if needle in data}
        if self.names is not None and (found := self.names.search(data)):
            yield f"the name {found[0]!r}"


def needles(directory: Path) -> Needles:
    """Everything that the test which runs must have kept to itself."""
    configured = {s for s in {*_configured(directory), *_test.secrets} if len(s) >= _SHORTEST}
    said = {text for text in _said() if len(text) >= _DISTINCTIVE and " " in text}
    names = sorted({re.escape(name) for name in _names() if len(name) > 2})
    return Needles(
        anywhere={form: f"the secret {s[:3]}…" for s in configured for form in forms(s)},
        tokens={token.encode() for token in _minted()},
        said={form: f"the words {text[:30]!r}" for text in said for form in _written(text)},
        names=re.compile(rb"\b(?:%s)\b" % "|".join(names).encode()) if names else None,
    )


def found(directory: Path) -> list[str]:
    """Everything that leaked: where, and what."""
    wanted = needles(directory)
    leaks = []
    for where, data in _everything(directory):
        leaks += [f"{where}: {what}" for what in wanted.in_data(data)]
        if not (".db" in where or _DATABASE.match(data)):
            leaks += [f"{where}: {what}" for what in wanted.in_log(data)]
    return leaks


def forms(secret: str) -> set[bytes]:
    """A secret as it may be written: quoted, escaped, in base64 wherever that begins."""
    written = {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]}
    written |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    encoded = {base64.b64encode(bytes(n) + secret.encode()) for n in range(3)}
    # Its first and last letters depend on what stands beside it.
    inner = {each[4:-4].rstrip(b"=") for each in encoded}
    both = inner | {each.translate(bytes.maketrans(b"+/", b"-_")) for each in inner}
    return {one.encode() for one in written} | {each for each in both if len(each) >= _SHORTEST}


def _written(text: str) -> set[bytes]:
    beginning = text[:_BEGINNING]
    return {beginning.encode(), json.dumps(beginning)[1:-1].encode()}


def _everything(directory: Path) -> Iterator[tuple[str, bytes]]:
    yield from _test.shown
    for folder, below, names in os.walk(directory):
        if "pyvenv.cfg" in names:
            below.clear()  # an environment, where a test installed packages
            continue
        below[:] = [name for name in below if not _SECRETS_DIRECTORY.search(name)]
        for name in names:
            file = Path(folder, name)
            if file.suffix not in _OURS and file.is_file() and not file.is_symlink():
                yield name, file.read_bytes()


def _configured(directory: Path) -> Iterator[str]:
    for file in directory.rglob("*.toml"):
        # A test of what is refused may have written anything.
        with suppress(OSError, ValueError):
            yield from _secrets_in(tomllib.loads(file.read_text("utf-8")))
    for folder in directory.glob("**/*"):
        if folder.is_dir() and _SECRETS_DIRECTORY.search(folder.name):
            yield from (each.read_text().strip() for each in folder.iterdir() if each.is_file())


def _secrets_in(table: dict[str, Any], name: str = "") -> Iterator[str]:
    for key, value in table.items():
        if key in SECRET_IN.get(name, ()):
            yield from re.split(r"[=,\s]+", str(value))
        elif isinstance(value, dict):
            yield from _secrets_in(value, key)
        elif isinstance(value, str) and SECRET_KEY.search(key):
            yield value


def _slacks() -> Iterator[SlackSimulator]:
    for one in _test.played:
        if isinstance(one, SlackSimulator):
            yield one
        elif isinstance(one, SlackTown):
            yield from one.workspaces.values()


def _polyais() -> Iterator[PolyAISimulator]:
    return (one for one in _test.played if isinstance(one, PolyAISimulator))


def _minted() -> Iterator[str]:
    """What the simulators gave out, or the part of it that stands for it."""
    for polyai in _polyais():
        yield from (token.rpartition(".")[2] for token in polyai._door._expiries)
    for slack in _slacks():
        yield from slack._sockets._tickets
        yield from slack._responses._addresses
        yield from slack._web.granted_tokens


def _said() -> Iterator[str]:
    for polyai in _polyais():
        for session in polyai.sessions.values():
            yield from _lines(message.text for message in session.accepted)
            yield from _lines(_texts([frame.payload for frame in session.journal]))
    for slack in _slacks():
        for channel in slack._channels.values():
            said = (m.text for m in channel.messages.values() if not m.bot_id)
            yield from _lines(text.partition("> ")[2] or text for text in said)


def _lines(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (line.strip() for line in text.splitlines())


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "text" and isinstance(each, str):
                yield each
            else:
                yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _names() -> Iterator[str]:
    for slack in _slacks():
        yield from (user.name for user in slack._workspace.users.values())
