"""What does an adapter begin with? The sample plug-in, which works, under another name."""

import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

from bridge.errors import BridgeError
from bridge.plugin import registry

#: As what the template is written, in each spelling of a name.
_SAMPLE = "pinboard"
#: The rule for adapters' names in the configuration, so that one can be called as its type.
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 30


class NotWritten(BridgeError):
    """No package was written: the name cannot be used, or the place is taken."""

    exit_code = 2


def usual_directory(name: str) -> Path:
    """Where the package is written unless told otherwise: beside us, called as its distribution."""
    return Path(f"polyai-bridge-{name.replace('_', '-')}")


def write(name: str, directory: Path) -> None:
    """Write a package with an adapter of type `name`, whose tests pass as they are.

    Raises:
        NotWritten: and nothing was changed, unless the disk failed half-way.
    """
    _check(name)
    files = {Path(renamed(str(path), name)): renamed(text, name) for path, text in _template()}
    try:
        directory.mkdir(parents=True)
        for path, text in files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(text, encoding="utf-8")
    except FileExistsError:
        raise NotWritten(
            f"{directory} is there already", remedy="name another with --directory"
        ) from None
    except OSError as error:
        raise NotWritten(f"{directory} cannot be written: {error.strerror}") from None


def renamed(text: str, name: str) -> str:
    """The template's words under another name: a module's, a package's, a class's, a variable's."""
    camel = "".join(part.capitalize() for part in name.split("_"))
    spellings = {
        f"polyai-bridge-{_SAMPLE}": f"polyai-bridge-{name.replace('_', '-')}",
        f"{_SAMPLE}.example.com": f"{name.replace('_', '-')}.example.com",
        _SAMPLE: name,
        _SAMPLE.upper(): name.upper(),
        _SAMPLE.capitalize(): camel,
    }
    # In one pass: a name may hold the sample's own.
    return re.sub("|".join(map(re.escape, spellings)), lambda found: spellings[found[0]], text)


def _check(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise NotWritten(
            f"{name!r} cannot be the name of an adapter",
            remedy="use lower-case letters, digits and single underscores inside, beginning with a "
            f'letter, at most {_LONGEST} characters, such as "my_chat"',
        )
    if name in entry_points(group=registry.GROUP).names:
        raise NotWritten(f'there is a plug-in "{name}" already', remedy="choose another name")


def _template() -> Iterator[tuple[Path, str]]:
    """The sample's files: in an installed bridge beside this module, else where they are kept."""
    inside = Path(__file__).parent / "template"
    root = inside if inside.is_dir() else Path(__file__).parents[2] / "tests" / "sample_adapter"
    for path in sorted(root.rglob("*")):
        inner = path.relative_to(root)
        unseen = any(part.startswith((".", "__pycache__")) for part in inner.parts)
        if path.is_file() and not unseen and path.suffix != ".pyc":
            yield inner, path.read_text("utf-8")
