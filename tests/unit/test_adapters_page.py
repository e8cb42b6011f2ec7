"""Is the guide for authors of adapters true to the code?"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, get_args

import pytest

from bridge import errors, plugin
from bridge.model.inbound import Inbound, InboundBody
from bridge.plugin import Capabilities, Host
from bridge.testing.conformance.verdicts import Level

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adapters.md"
TEXT = PAGE.read_text("utf-8")
SAMPLE = ROOT / "tests" / "sample_adapter" / "src" / "polyai_bridge_pinboard"
CONSOLE = ROOT / "adapters" / "console" / "__init__.py"

#: A block of code, with the line above it that names its file.
QUOTED = re.compile(r"([^\n]*)\n\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUOTES = [found.groups() for found in QUOTED.finditer(TEXT) if found[2] in {"python", "toml"}]


def section(heading: str) -> str:
    assert f"\n## {heading}\n" in TEXT
    return TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def first_cells(text: str) -> set[str]:
    """The words in backquotes of the first cell of each row."""
    rows = re.findall(r"^\| ([^|]*) \|", text, re.MULTILINE)
    return {word for row in rows for word in re.findall(r"`(\w+)[^`]*`", row)}


def optional_protocols() -> Iterator[tuple[str, str]]:
    """Each protocol that is found by its method, with that method."""
    for name, kind in inspect.getmembers(plugin, inspect.isclass):
        if getattr(kind, "_is_runtime_protocol", False):
            (method,) = [key for key in vars(kind) if not key.startswith("_")]
            yield name, method


@pytest.mark.parametrize(("above", "code"), [(above, code) for above, _, code in QUOTES])
def test_code_is_quoted_from_the_file_named_above_it(above: str, code: str) -> None:
    named = re.fullmatch(r"\[[\w./]+\]\((.+)\):", above)
    assert named, f"no file is named above {code!r}"
    quoted = (PAGE.parent / named[1]).resolve().read_text("utf-8")

    assert code in quoted, code


def test_no_code_stands_there_without_its_file() -> None:
    assert len(re.findall(r"^```(?:python|toml)$", TEXT, re.MULTILINE)) == len(QUOTES) > 8


def test_the_console_stands_there_whole() -> None:
    assert CONSOLE.read_text("utf-8") in {code for _, _, code in QUOTES}


@pytest.mark.parametrize(
    "path", [SAMPLE / "adapter.py", CONSOLE], ids=lambda path: path.parent.name
)
def test_an_adapter_has_under_100_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) < 100


def test_each_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", TEXT):
        assert (PAGE.parent / target).exists(), target
    headings = {
        re.sub(r"[^\w -]", "", h).lower().replace(" ", "-")
        for h in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings


def test_each_optional_protocol_is_told_with_its_method() -> None:
    told = re.findall(
        r"^\| `(\w+)` \| `(\w+)` \|", section("What else an adapter may do"), re.MULTILINE
    )

    assert set(told) == set(optional_protocols())


def test_each_claim_is_told() -> None:
    told = first_cells(section("What the platform can show"))

    assert told == set(Capabilities.__struct_fields__)


def test_each_error_that_an_adapter_raises_is_told() -> None:
    kinds = {
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.DeliveryFailed | errors.CredentialsRefused)
    }

    assert first_cells(section("What an error says")) == kinds - {"DeliveryFailed"}


def test_each_field_and_body_of_an_inbound_is_told() -> None:
    what = section("What comes in")

    assert first_cells(what) == set(Inbound.__struct_fields__)
    for body in get_args(InboundBody):
        assert f"`{body.__name__}`" in what


def test_each_thing_that_the_host_lends_is_told() -> None:
    lent = {name for name in vars(Host) if not name.startswith("_")} - set(vars(Protocol))

    assert first_cells(section("Its life")) == lent


def test_each_level_of_the_scale_is_told() -> None:
    rows = re.findall(r"^\| (\w+) \| .* \|$", section("How good is it"), re.MULTILINE)

    assert rows[1:] == [level.label for level in Level]
