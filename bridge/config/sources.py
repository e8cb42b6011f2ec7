"""Where do configured values come from? TOML, secret files, the environment; each keeps its place.

A value is known by its key, a tuple such as `("agents", "default", "host")`. What is wrong is told
as a `Problem`: the key and the place, the cause, the remedy.
"""

import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.errors import ConfigurationError
from bridge.log import redact

PREFIX = "POLYAI_BRIDGE_"
#: How the place of a value begins that stood in a file of its own.
IN_A_FILE = "secret file "

Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong: the key and its place, the cause, what to do."""

    what: str
    cause: str
    remedy: str = ""

    def __str__(self) -> str:
        return str(ConfigurationError(f"{self.what}: {self.cause}", remedy=self.remedy))


def refuse(problems: list[Problem]) -> None:
    """Raise one error that tells them all, if there are any."""
    if not problems:
        return
    if len(problems) == 1:
        only = problems[0]
        raise ConfigurationError(redact(f"{only.what}: {only.cause}"), remedy=redact(only.remedy))
    lines = "".join(f"\n  {problem}" for problem in problems)
    raise ConfigurationError(redact(f"the configuration has {len(problems)} problems:{lines}"))


@dataclass(frozen=True, slots=True)
class Value:
    """A value as written, and where: `bridge.toml`, `environment variable X`, `secret file Y`."""

    value: object = field(repr=False)
    place: str


@dataclass(frozen=True, slots=True)
class Given:
    """All values by their keys below `at`, with their places; `file` is the TOML file."""

    file: str
    values: dict[Key, Value]
    at: Key = ()

    def below(self, *at: str) -> "Given":
        """Only what is in the table `at`, by its keys there."""
        size = len(at)
        inside = {key[size:]: value for key, value in self.values.items() if key[:size] == at}
        return Given(self.file, inside, at)

    def place(self, key: Key) -> str:
        """Where `key`, else something in it, else what it is in, was written."""
        if key in self.values:
            return self.values[key].place
        for known, value in self.values.items():
            if known[: len(key)] == key:
                return value.place
        return self.place(key[:-1]) if len(key) > 1 else self.file

    def tree(self, is_secret: Callable[[Key], bool]) -> dict[str, Any]:
        """The values as nested tables; an empty secret counts as not given."""
        root: dict[str, Any] = {}
        for key, given in self.values.items():
            if given.value != "" or not is_secret(key):
                _plant(root, key, given.value)
        return root


def _plant(root: dict[str, Any], key: Key, value: object) -> None:
    """Set one value. Where one place says table and another value, the value stays: refused."""
    table = root
    for part in map(str, key[:-1]):
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            return
    if value != {} or not isinstance(table.get(str(key[-1])), dict):
        table[str(key[-1])] = value


def leaves(table: Mapping[str, object], place: str, at: Key = ()) -> Iterator[tuple[Key, Value]]:
    """Each value of nested tables with its key; an empty table is a value too."""
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, place, (*at, name))
        else:
            yield (*at, name), Value(value, place)


def type_place(given: Given) -> str:
    """The key that names an adapter's plug-in and where it was written, as refusals tell them."""
    return f"{dotted((*given.at, 'type'))} ({given.place(('type',))})"


def gather(path: Path, environment: Mapping[str, str], sections: Collection[str]) -> Given:
    """What all sources give together; secret files of the `sections` only.

    Raises:
        ConfigurationError: one of the sources cannot be read.
    """
    given = Given(str(path), read_toml(path))
    variables = read_environment(environment)
    directories = _secret_directories(given.values | variables, environment)
    files, unreadable = read_secret_files(directories, sections)
    refuse(unreadable)
    given.values.update(files | variables)
    return given


def _secret_directories(
    given: Mapping[Key, Value], environment: Mapping[str, str]
) -> dict[str, str]:
    """Ours, and over it the one that systemd hands over; each by what names it."""
    directories: dict[str, str] = {}
    own = given.get(("secrets_dir",))
    if own is not None and isinstance(own.value, str) and own.value:
        directories[f"secrets_dir ({own.place})"] = own.value
    if environment.get("CREDENTIALS_DIRECTORY"):
        directories["environment variable CREDENTIALS_DIRECTORY"] = environment[
            "CREDENTIALS_DIRECTORY"
        ]
    return directories


def read_toml(path: Path) -> dict[Key, Value]:
    """The values of the configuration file.

    Raises:
        ConfigurationError: it cannot be read, or is not TOML; with the line and column.
    """
    try:
        return dict(leaves(tomllib.loads(path.read_text("utf-8")), str(path)))
    except OSError as error:
        cause = f"cannot be read: {error.strerror}"
        remedy = "name the file with --config; config.example.toml is one to start from"
    except UnicodeDecodeError as error:
        cause, remedy = f"is not UTF-8 text, at byte {error.start}", "save it as UTF-8"
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        cause = f"is not TOML: {error}"
        remedy = "repair that line; texts are in double quotes, true and false are not"
    raise ConfigurationError(f"the configuration file {path} {cause}", remedy=remedy)


def read_environment(environment: Mapping[str, str]) -> dict[Key, Value]:
    """Our variables; an empty one counts as not set."""
    ours = {name: value for name, value in environment.items() if name.startswith(PREFIX) and value}
    return {
        _key(name): Value(value, f"environment variable {name}") for name, value in ours.items()
    }


def read_secret_files(
    directories: Mapping[str, str], sections: Collection[str]
) -> tuple[dict[Key, Value], list[Problem]]:
    """The values in files named like `agents__default__connector_token`; a later directory wins.

    `directories` are paths by what named them; `sections` are the first words that are ours.
    """
    found: dict[Key, Value] = {}
    problems: list[Problem] = []
    for origin, directory in directories.items():
        try:
            files = sorted(Path(directory).iterdir())
        except OSError as error:
            cause = f"the directory {directory} cannot be read: {error.strerror}"
            problems.append(Problem(origin, cause, "create it, or let this user read it"))
            continue
        for file in files:
            key = tuple(file.name.split("__"))
            if len(key) > 1 and key[0] in sections:
                _read_secret(key, file, found, problems)
    return found, problems


def _read_secret(key: Key, file: Path, found: dict[Key, Value], problems: list[Problem]) -> None:
    place = f"{IN_A_FILE}{file}"
    try:
        text = file.read_text("utf-8") if file.is_file() or not file.exists() else None
        cause = "it is not a file"
    except OSError as error:
        text, cause = None, error.strerror or type(error).__name__
    except UnicodeDecodeError:
        text, cause = None, "it is not UTF-8 text"
    if text is None:
        remedy = "replace it, or let this user read it"
        problems.append(Problem(f"{dotted(key)} ({place})", f"cannot be read: {cause}", remedy))
    elif text.rstrip("\r\n"):
        found[key] = Value(text.rstrip("\r\n"), place)


def variable(key: Key) -> str:
    """The environment variable that gives `key`."""
    return PREFIX + "__".join(str(part) for part in key).upper()


def _key(name: str) -> Key:
    return tuple(name.removeprefix(PREFIX).lower().split("__"))


def dotted(key: Key) -> str:
    """A key as people write it: `agents.default.host`, `routes[0].agent`."""
    words = [f"[{part}]" if isinstance(part, int) else "." + _quoted(part) for part in key]
    return "".join(words).removeprefix(".")


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else json.dumps(name)
