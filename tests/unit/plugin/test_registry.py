"""Are plug-ins found, and is a broken one told rather than raised?"""

import itertools
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from bridge.errors import ConfigurationError
from bridge.plugin import registry

Install = Callable[..., None]

_GOOD = """
from bridge.plugin import Capabilities, Plugin
from pydantic import BaseModel
class Settings(BaseModel):
    pass
PLUGIN = Plugin(settings=Settings, capabilities=Capabilities(), connect=None, prove=None{})
"""
_names = itertools.count()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a package with one plug-in where Python looks for packages."""
    monkeypatch.syspath_prepend(tmp_path)

    def put(
        type_name: str, source: str, attribute: str = "PLUGIN", package: str = "strange"
    ) -> None:
        module = f"plugin_under_test_{next(_names)}"
        (tmp_path / f"{module}.py").write_text(source)
        metadata = tmp_path / f"{package}-1.2.dist-info"
        metadata.mkdir(exist_ok=True)
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n"
        )
        (metadata / "entry_points.txt").write_text(
            f"[{registry.GROUP}]\n{type_name} = {module}:{attribute}\n"
        )

    return put


def test_our_own_plug_ins_are_found_like_anyones() -> None:
    found = registry.discover()

    for name in ("console", "slack"):
        assert found[name].problem is None
        assert found[name].plugin is registry.find(name)
        assert found[name].distribution.startswith("polyai-bridge ")


def test_an_installed_package_is_found_with_its_origin(install: Install) -> None:
    install("pigeon", _GOOD.format(""))

    found = registry.discover()["pigeon"]

    assert found.plugin is registry.find("pigeon")
    assert found.problem is None
    assert found.distribution == "strange 1.2"


@pytest.mark.parametrize(
    ("source", "attribute", "problem"),
    [
        ("import no_such_module_anywhere", "PLUGIN", "ModuleNotFoundError"),
        ("raise RuntimeError('first line\\nsecond')", "PLUGIN", "RuntimeError: first line"),
        ("raise SystemExit(3)", "PLUGIN", "SystemExit: 3"),
        ("this is no Python", "PLUGIN", "SyntaxError"),
        ("", "PLUGIN", "AttributeError"),
        ("PLUGIN = 42", "PLUGIN", "is a int, not a bridge.plugin.Plugin"),
        (_GOOD.format(", api_version=99"), "PLUGIN", "is written for plug-in API 99"),
        (_GOOD.format("").replace("settings=Settings", "settings=dict"), "PLUGIN", "settings that"),
    ],
)
def test_a_broken_plug_in_is_told_and_disturbs_no_other(
    install: Install, source: str, attribute: str, problem: str
) -> None:
    install("pigeon", source, attribute)

    found = registry.discover()

    assert found["pigeon"].plugin is None
    assert problem in (found["pigeon"].problem or "")
    assert "\n" not in (found["pigeon"].problem or "")
    assert found["console"].plugin is not None
    assert registry.find("console")
    with pytest.raises(ConfigurationError, match="cannot be used") as refused:
        registry.find("pigeon")
    assert "strange 1.2" in refused.value.remedy


def test_only_the_plug_in_asked_for_is_imported(install: Install, tmp_path: Path) -> None:
    trace = tmp_path / "imported"
    install("pigeon", f"open({str(trace)!r}, 'w').close()")

    registry.find("console")

    assert not trace.exists()


def test_two_packages_under_one_name_offer_nothing(install: Install) -> None:
    install("pigeon", _GOOD.format(""), package="first")
    install("pigeon", _GOOD.format(""), package="second")

    found = registry.discover()["pigeon"]

    assert found.plugin is None
    assert "several packages" in (found.problem or "")
    assert found.distribution == "first 1.2, second 1.2"


def test_an_unknown_type_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match='"slakc"') as refused:
        registry.find("slakc")

    assert refused.value.remedy == 'did you mean "slack"?'


def test_a_type_like_no_other_is_refused_with_all_there_are() -> None:
    with pytest.raises(ConfigurationError) as refused:
        registry.find("zzzzzz")

    assert "console, slack" in refused.value.remedy


def test_with_nothing_installed_that_is_said() -> None:
    with pytest.raises(ConfigurationError) as refused:
        registry.find("slack", entries=())

    assert refused.value.remedy == "installed are: none"


def test_an_announcement_without_a_package_has_no_origin() -> None:
    entry = EntryPoint("pigeon", "adapters.console:PLUGIN", registry.GROUP)

    assert registry.discover([entry])["pigeon"].distribution == ""
