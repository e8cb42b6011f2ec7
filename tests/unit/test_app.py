"""The whole is not begun with adapters that could not do what they are set to."""

from pathlib import Path

import pytest

from bridge.app import configured_adapters
from bridge.config import load
from bridge.errors import ConfigurationError
from bridge.model.ids import AdapterName

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
