"""Where an adapter runs is the operator's choice; a broken plug-in is its own adapters' trouble."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.config import load
from bridge.errors import ConfigurationError
from bridge.model.ids import AdapterName
from bridge.runtime.adapters.configured import Configured, configured_adapters, refuse_unusable
from tests.misfit.place import Package

AGENT = """
[agents.default]
base_url = "https://polyai.example"
connector_token = "connector-sesame-1"
host = "https://www.example.com"
"""
CONSOLE = '[adapters.console]\ntype = "console"\n'
INSTALLED = """
[agents.default]
base_url = "https://polyai.example"
connector_token = "connector"
host = "https://www.example.com"
[adapters.chat]
type = "slack"
mode = "http"
client_id = "1.2"
client_secret = "client-secret"
signing_secret = "signing-secret"
public_url = "https://bridge.example"
"""
KEY = f'[database]\nencryption_key = "{"k" * 32}"\n'
MISFIT = '[adapters.misfit]\ntype = "misfit"\nfile = "lines"\ntoken = "misfit-sesame-1"\n'


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    made = Package(tmp_path / "installed")
    monkeypatch.syspath_prepend(str(made.directory))
    yield made
    sys.modules.pop("misfit_plugin", None)


def configured(directory: Path, text: str) -> dict[str, Configured]:
    file = directory / "bridge.toml"
    file.write_text(AGENT + text)
    return {str(one.name): one for one in configured_adapters(load(file, {}))}


@pytest.mark.usefixtures("package")
def test_the_bridges_own_runs_within_and_a_strangers_apart_unless_told_otherwise(
    tmp_path: Path,
) -> None:
    usual = configured(tmp_path, CONSOLE + MISFIT)
    assert [(one.isolated, one.ours) for one in usual.values()] == [(False, True), (True, False)]

    other = configured(tmp_path, f'{CONSOLE}isolation = "process"\n{MISFIT}isolation = "none"\n')
    assert [(one.isolated, one.ours) for one in other.values()] == [(True, True), (False, False)]


@pytest.mark.usefixtures("package")
def test_any_other_isolation_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"adapters\.misfit\.isolation .*bridge\.toml"
    ) as no:
        configured(tmp_path, f'{MISFIT}isolation = "thread"\n')
    assert "is not one of 'process' or 'none'" in str(no.value)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("raise RuntimeError('not today')", "RuntimeError: not today"),
        ("PLUGIN = 3", "not a bridge.plugin.Plugin"),
        ("raise SystemExit(3)", "SystemExit"),
        (
            (
                "from dataclasses import replace\nfrom tests.misfit.plugin import PLUGIN as OTHER\n"
                "PLUGIN = replace(OTHER, tuned=lambda settings, claims: settings.nothing)\n"
            ),
            "reading its settings failed: AttributeError",
        ),
        (
            (
                "from dataclasses import replace\nfrom tests.misfit.plugin import PLUGIN as OTHER\n"
                "PLUGIN = replace(OTHER, tuned=lambda settings, claims: None)\n"
            ),
            "with these settings it claims a NoneType",
        ),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_the_trouble_of_its_own_adapter(
    tmp_path: Path, package: Package, source: str, told: str
) -> None:
    package.spoil(source)

    found = configured(tmp_path, CONSOLE + MISFIT)

    assert found["console"].trouble is None
    assert found["misfit"].capabilities is None
    assert found["misfit"].isolated
    assert told in str(found["misfit"].trouble)
    assert "sesame" not in str(found["misfit"].trouble)
    with pytest.raises(ConfigurationError, match='"misfit" cannot be used') as refused:
        refuse_unusable(list(found.values()))
    assert refused.value.exit_code == 10


def test_several_that_cannot_be_used_are_told_together(tmp_path: Path, package: Package) -> None:
    package.spoil("PLUGIN = 3")
    found = configured(tmp_path, MISFIT + MISFIT.replace("adapters.misfit", "adapters.other"))

    with pytest.raises(ConfigurationError, match="2 adapters have plug-ins that cannot be used"):
        refuse_unusable(list(found.values()))


def test_without_any_trouble_nothing_is_refused(tmp_path: Path) -> None:
    refuse_unusable(list(configured(tmp_path, CONSOLE).values()))


def test_settings_that_are_refused_and_types_that_nobody_announces_still_stop_everything(
    tmp_path: Path, package: Package
) -> None:
    with pytest.raises(ConfigurationError, match=r"adapters\.misfit\.colour"):
        configured(tmp_path, f'{MISFIT}colour = "red"\n')
    with pytest.raises(ConfigurationError, match='no plug-in "misfitt"'):
        configured(tmp_path, MISFIT.replace('"misfit"', '"misfitt"'))
    del package


def test_an_adapter_that_keeps_secrets_needs_a_key_to_seal_them(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(INSTALLED)

    with pytest.raises(ConfigurationError, match=r"database\.encryption_key.*chat") as refused:
        configured_adapters(load(file, {}))
    assert "openssl rand -hex 32" in refused.value.remedy
    assert "database__encryption_key" in refused.value.remedy

    file.write_text(KEY + INSTALLED)
    (one,) = configured_adapters(load(file, {}))
    assert one.name == AdapterName("chat")


def test_an_adapter_that_keeps_none_needs_no_key(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(INSTALLED.partition("[adapters")[0] + '[adapters.chat]\ntype = "console"\n')

    (one,) = configured_adapters(load(file, {}))
    assert one.plugin is not None
    assert one.capabilities == one.plugin.capabilities


@pytest.mark.parametrize("streaming", ["off", "edit"])
def test_capabilities_are_as_the_settings_make_them(tmp_path: Path, streaming: str) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(f'{KEY}{INSTALLED}streaming = "{streaming}"\n')

    (one,) = configured_adapters(load(file, {}))

    assert one.plugin is not None
    assert one.capabilities is not None
    assert one.capabilities.streaming < one.plugin.capabilities.streaming
