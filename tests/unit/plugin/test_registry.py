"""Are installed plug-ins found, and broken ones told, without one disturbing another?"""

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, PathDistribution
from pathlib import Path

import pytest

from bridge.errors import ConfigurationError
from bridge.plugin import API_VERSION
from bridge.plugin.registry import GROUP, Unusable, discover, find, look


class Shelf:
    """Modules on disk, and the entry points that announce them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.good = self.announce(
            "good",
            "from pydantic import BaseModel\n"
            "from bridge.plugin import Capabilities, Plugin\n"
            "class Settings(BaseModel): pass\n"
            "PLUGIN = Plugin(api_version=1, settings=Settings, capabilities=Capabilities(),\n"
            "  connect=lambda settings, host: None, prove=lambda settings, http: None)\n",
        )

    def announce(self, name: str, source: str, type_name: str | None = None) -> EntryPoint:
        (self._directory / f"shelved_{name}.py").write_text(source)
        return EntryPoint(type_name or name, f"shelved_{name}:PLUGIN", GROUP)

    def varied(self, name: str, change: str) -> EntryPoint:
        """The good plug-in with one field replaced."""
        source = "import dataclasses\nfrom bridge.plugin import Capabilities\n"
        source += "from shelved_good import PLUGIN as GOOD\n"
        return self.announce(name, f"{source}PLUGIN = dataclasses.replace(GOOD, {change})\n")


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    sys.path.insert(0, str(tmp_path))
    yield Shelf(tmp_path)
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("shelved_")]:
        del sys.modules[name]


def test_the_installed_plug_ins_are_found_with_their_package() -> None:
    found = discover()

    assert {"console", "slack"} <= set(found)
    assert list(found) == sorted(found)
    for name in ("console", "slack"):
        assert found[name].problem is None
        assert found[name].plugin is find(name)
        assert found[name].distribution.startswith("polyai-bridge ")


def test_a_good_plug_in_is_found_by_its_type(shelf: Shelf) -> None:
    assert find("good", [shelf.good]) is discover([shelf.good])["good"].plugin


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import shelved_nothing", "ModuleNotFoundError: No module named 'shelved_nothing'"),
        ("raise RuntimeError('first\\nsecond')", "failed: RuntimeError: first"),
        ("raise SystemExit(3)", "failed: SystemExit: 3"),
        ("raise ValueError", "failed: ValueError"),
        ("this is no Python", "failed: SyntaxError"),
        ("", "failed: AttributeError"),
        ("PLUGIN = 'text'", "is a str, not a bridge.plugin.Plugin"),
    ],
)
def test_a_broken_plug_in_is_told_and_leaves_the_others_alone(
    shelf: Shelf, source: str, told: str
) -> None:
    entries = [shelf.announce("broken", source), shelf.good]

    found = discover(entries)

    assert found["broken"].plugin is None
    assert told in (found["broken"].problem or "")
    assert "\n" not in (found["broken"].problem or "")
    assert found["good"].plugin is not None
    with pytest.raises(ConfigurationError, match='"broken" cannot be used') as caught:
        find("broken", entries)
    assert told in str(caught.value)
    assert caught.value.exit_code == 10


def test_a_plug_in_for_another_api_is_told_both_versions(shelf: Shelf) -> None:
    entry = shelf.varied("future", f"api_version={API_VERSION + 1}")

    problem = discover([entry])["future"].problem or ""
    assert f"plug-in API {API_VERSION + 1}" in problem
    assert f"has plug-in API {API_VERSION}" in problem


def test_a_plug_in_that_does_not_say_for_which_api_it_is_cannot_be_used(shelf: Shelf) -> None:
    source = (
        "from pydantic import BaseModel\n"
        "from bridge.plugin import Capabilities, Plugin\n"
        "PLUGIN = Plugin(settings=BaseModel, capabilities=Capabilities(),\n"
        "  connect=lambda settings, host: None, prove=lambda settings, http: None)\n"
    )
    entry = shelf.announce("silent", source)

    assert "api_version" in (discover([entry])["silent"].problem or "")


def test_settings_that_are_no_model_are_told(shelf: Shelf) -> None:
    entry = shelf.varied("odd", "settings=dict")

    assert "not a pydantic model" in (discover([entry])["odd"].problem or "")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("capabilities={}", "claims a dict, not bridge.plugin.Capabilities"),
        ("capabilities=Capabilities(text_limit='long')", "claims text_limit, which is no int"),
        ("capabilities=Capabilities(edits=True)", "claims edits, which is no Grade"),
        ("capabilities=Capabilities(text_limit=0)", "claims a text_limit below 1"),
        ("capabilities=Capabilities(suggestion_limit=-1)", "suggestion_limit below 0"),
    ],
)
def test_claims_that_no_step_could_go_by_are_told(shelf: Shelf, change: str, told: str) -> None:
    entry = shelf.varied("odd", change)

    assert told in (discover([entry])["odd"].problem or "")


def test_two_packages_of_one_type_are_told_instead_of_chosen_between(shelf: Shelf) -> None:
    twin = shelf.announce("twin", "raise AssertionError('not even imported')", type_name="good")

    for entries in ([shelf.good, twin], [twin, shelf.good]):
        found = discover(entries)["good"]
        assert found.plugin is None
        assert "several packages" in (found.problem or "")


def test_one_plug_in_announced_twice_alike_is_one(shelf: Shelf) -> None:
    assert find("good", [shelf.good, shelf.good])


def test_finding_one_plug_in_imports_no_other(shelf: Shelf) -> None:
    other = shelf.announce("other", "")

    find("good", [other, shelf.good])

    assert "shelved_other" not in sys.modules


def test_an_unknown_type_is_refused_with_the_nearest_or_all(shelf: Shelf) -> None:
    with pytest.raises(ConfigurationError, match='did you mean "slack"'):
        find("slak")
    with pytest.raises(ConfigurationError, match="installed: good"):
        find("zzz", [shelf.good])
    with pytest.raises(ConfigurationError, match="installed: none"):
        find("zzz", [])


def test_a_refusal_names_the_key_and_its_place(shelf: Shelf) -> None:
    broken = shelf.announce("broken", "PLUGIN = 1")
    for name in ("broken", "zzz"):
        with pytest.raises(ConfigurationError, match=rf"^adapters\.a\.type \(b\.toml\): .*{name}"):
            find(name, [broken], where="adapters.a.type (b.toml)")


def test_a_refusal_names_the_package_to_repair(shelf: Shelf, tmp_path: Path) -> None:
    information = tmp_path / "desk-1.2.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: desk\nVersion: 1.2\n")
    (information / "entry_points.txt").write_text(f"[{GROUP}]\nbroken = shelved_broken:PLUGIN\n")
    shelf.announce("broken", "PLUGIN = 1")
    (entry,) = PathDistribution(information).entry_points

    assert discover([entry])["broken"].distribution == "desk 1.2"
    with pytest.raises(ConfigurationError, match=r"repair or upgrade desk 1\.2"):
        find("broken", [entry])


def test_what_a_plug_in_lacks_is_to_be_installed_before_anything_else(shelf: Shelf) -> None:
    poor = shelf.announce("poor", "raise ImportError('chat is missing: install desk[chat]')")
    with pytest.raises(ConfigurationError, match=r"install desk.*\(install what is missing"):
        find("poor", [poor])


def test_the_bridges_own_plug_ins_run_within_it_and_a_strangers_apart(shelf: Shelf) -> None:
    found = discover()
    assert found["slack"].ours
    assert (found["slack"].isolation, found["slack"].api_version) == ("none", API_VERSION)

    strange = look("good", [shelf.good])
    assert not strange.ours
    assert strange.isolation == "process"


def test_a_plug_in_is_looked_at_without_being_usable(shelf: Shelf) -> None:
    entry = shelf.varied("future", f"api_version={API_VERSION + 1}")

    found = look("future", [entry], where="adapters.a.type (b.toml)")

    assert found.plugin is None
    assert found.api_version == API_VERSION + 1
    with pytest.raises(Unusable, match=r"^adapters\.a\.type \(b\.toml\): .* cannot be used"):
        found.usable()


def test_a_plug_in_that_was_repaired_is_imported_by_the_next_who_looks(shelf: Shelf) -> None:
    entry = shelf.announce("mended", "raise RuntimeError")
    assert look("mended", [entry]).plugin is None

    shelf.announce("mended", "from shelved_good import PLUGIN  # whose length differs")

    assert look("mended", [entry]).plugin is not None
