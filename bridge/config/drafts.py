"""What is an adapter to be, before it can run? Its settings without the secrets they still lack."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    SecretStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    create_model,
    field_validator,
)

from bridge.config.sources import Given, Key, Value, gather, type_place
from bridge.config.tables import AdapterTable, usable_name
from bridge.config.validation import ModelT, accept, own, secrets_of
from bridge.model.ids import AdapterName


class _AdaptersAlone(BaseModel):
    """One part of the configuration; whatever stands beside it is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    adapters: dict[Annotated[AdapterName, AfterValidator(usable_name)], AdapterTable] = {}


@dataclass(frozen=True, slots=True)
class Draft:
    """One adapter's table, not judged by its plug-in yet."""

    name: AdapterName
    type_name: str
    given: Given

    @property
    def type_place(self) -> str:
        """The key that names its plug-in and where it was written, as refusals tell them."""
        return type_place(self.given)

    def settings(self, model: type[ModelT]) -> ModelT:
        """Its settings in its plug-in's own model; secrets that are missing are left empty.

        Raises:
            ConfigurationError: anything else is missing or wrong.
        """
        return accept(_sparing(model), own(self.given, model))


def load_drafts(path: Path, environment: Mapping[str, str]) -> dict[AdapterName, Draft]:
    """The adapters of the configuration; no other table is judged, and no secret needed.

    Raises:
        ConfigurationError: as `load`.
    """
    given = gather(path, environment, _AdaptersAlone.model_fields)
    adapters = accept(_AdaptersAlone, given, extra=None).adapters
    return {
        name: Draft(name, table.type, given.below("adapters", name))
        for name, table in adapters.items()
    }


def usual_draft(type_name: str) -> Draft:
    """An adapter of that type for which nothing is configured, named like its type."""
    place = "the defaults"
    values: dict[Key, Value] = {("type",): Value(type_name, place)}
    return Draft(AdapterName(type_name), type_name, Given(place, values, ("adapters", type_name)))


def _sparing(model: type[ModelT]) -> type[ModelT]:
    """The same model, to which an empty secret is good enough."""
    secrets = secrets_of(model)
    if not secrets:
        return model
    absent: dict[str, Any] = {
        name: (known.annotation, SecretStr(""))
        for name, known in model.model_fields.items()
        if name in secrets and known.is_required()
    }
    # Defined last, so that it stands around whatever the model itself asks of the secret.
    around = {"_spare": field_validator(*secrets, mode="wrap")(_spared)}
    return create_model(model.__name__, __base__=model, __validators__=around, **absent)


def _spared(value: object, read: ValidatorFunctionWrapHandler) -> object:
    try:
        return read(value)
    except ValidationError:
        written = value.get_secret_value() if isinstance(value, SecretStr) else value
        if written:
            raise
        return SecretStr("")
