"""An adapter's settings before there are secrets: everything else is judged all the same."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator

from bridge.config import load_drafts, usual_draft
from bridge.errors import ConfigurationError
from bridge.model.ids import AdapterName

DESK = AdapterName("desk")


def _long(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < 6:
        raise ValueError("is too short")
    return value


class Settings(BaseModel):
    """A plug-in's settings with secrets of every kind, each of them judged."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    seats: int = Field(default=1, ge=1)
    required: Annotated[SecretStr, AfterValidator(_long)]
    expected: SecretStr = Field(default=SecretStr(""), validate_default=True)
    optional: SecretStr | None = None

    @field_validator("expected", "required")
    @classmethod
    def _named(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith("sesame"):
            raise ValueError("is none of ours")
        return value


class Plain(BaseModel):
    """Settings without a secret."""

    seats: int = 1


def drafted(directory: Path, keys: str, **environment: str) -> Settings:
    (directory / "bridge.toml").write_text(f'[adapters.desk]\ntype = "desk"\n{keys}\n')
    return load_drafts(directory / "bridge.toml", environment)[DESK].settings(Settings)


@pytest.mark.parametrize("keys", ["", 'required = ""\nexpected = ""\noptional = ""'])
def test_secrets_that_are_missing_or_empty_are_spared(tmp_path: Path, keys: str) -> None:
    settings = drafted(tmp_path, f"seats = 3\n{keys}")

    assert settings.seats == 3
    assert settings.required == settings.expected == SecretStr("")


def test_secrets_that_are_given_are_there_and_judged(tmp_path: Path) -> None:
    variable = {"POLYAI_BRIDGE_ADAPTERS__DESK__REQUIRED": "sesame-open"}
    assert drafted(tmp_path, "", **variable).required == SecretStr("sesame-open")

    with pytest.raises(ConfigurationError, match=r"adapters\.desk\.required") as refused:
        drafted(tmp_path, 'required = "open-sesame"')
    assert "open-sesame" not in str(refused.value)


@pytest.mark.parametrize("keys", ["seats = 0", "seets = 2"])
def test_everything_else_is_judged_as_ever(tmp_path: Path, keys: str) -> None:
    with pytest.raises(ConfigurationError, match=r"adapters\.desk\.se"):
        drafted(tmp_path, keys)


def test_no_other_table_is_judged(tmp_path: Path) -> None:
    assert drafted(tmp_path, '[http]\nport = "many"\n[agents.default]\n').seats == 1


def test_without_adapters_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text("")

    assert load_drafts(tmp_path / "bridge.toml", {}) == {}


def test_what_is_not_configured_has_its_defaults() -> None:
    assert usual_draft("desk").settings(Settings).seats == 1
    assert usual_draft("desk").settings(Plain) == Plain()
