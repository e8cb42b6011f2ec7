"""What an operator writes: refused where it is wrong, and never shown."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from bridge.config import secrets_in
from bridge.errors import BridgeError, CredentialsRefused
from bridge.testing.conformance.holding import Held
from bridge.testing.conformance.rule import rule
from bridge.testing.conformance.stage import Stage, told
from bridge.testing.conformance.verdicts import Broken, Inapplicable, Level
from bridge.testing.stand_in import Doubting

#: How keys end that hold what nobody may see.
_SECRET_NAMES = ("token", "secret", "password", "passphrase", "credential", "private_key")


@rule(Level.BRONZE)
async def settings(stage: Stage) -> None:
    """Unknown keys are refused, and no secret is shown in settings, errors, proofs or reports."""
    model: type[BaseModel] = stage.subject.plugin.settings
    _refuses_unknown(model, stage.table)
    _hides_secrets(stage.settings)
    _tells_no_secret(stage, "its settings, printed", f"{stage.settings!r} {stage.settings}")
    await stage.connect()
    await stage.talk()
    _tells_no_secret(stage, "`host.report`", " ".join(text for _, text in stage.intake.reports))
    proof = await stage.bounded(_proof(stage), "prove")
    _tells_no_secret(stage, "`prove`", proof)


def _refuses_unknown(model: type[BaseModel], table: dict[str, Any]) -> None:
    unknown = "no_such_key_at_all"
    given = {key: value for key, value in table.items() if key in model.model_fields}
    try:
        model.model_validate({**given, unknown: "x"})
    except ValidationError as error:
        if any(unknown in each["loc"] for each in error.errors(include_input=False)):
            return
    raise Broken(
        "the settings' model refuses a key that it does not know",
        seen="it took one",
        remedy='write `extra="forbid"` into the model: a mistyped key must not pass for a default',
    )


def _hides_secrets(settings: BaseModel) -> None:
    for name, value in _leaves(settings):
        if isinstance(value, str) and value and name.endswith(_SECRET_NAMES):
            raise Broken(
                "a secret is a `SecretStr`",
                seen=f"`{name}` is a plain text",
                remedy="declare it as `pydantic.SecretStr`: those are masked wherever printed",
            )


def _leaves(settings: BaseModel) -> Iterator[tuple[str, object]]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value)
        else:
            yield name, value


async def _proof(stage: Stage) -> str:
    try:
        said: str = await stage.subject.plugin.prove(stage.settings, stage.host.http)
    except BridgeError as error:
        raise Broken(
            "`prove` says as whom the right settings are known",
            seen=f"it raised {told(error)}",
            remedy="prove with the least call there is, and say who answers to it",
        ) from error
    if not said.strip():
        raise Broken(
            "`prove` says as whom the right settings are known",
            seen="it said nothing",
            remedy="return a line that an operator recognises the account by",
        )
    return said


def _tells_no_secret(stage: Stage, where: str, text: str) -> None:
    secrets = [each for each in secrets_in(stage.settings) if len(each) > 3]
    if any(secret in text for secret in secrets):
        raise Broken(
            f"{where}: without any secret",
            seen="there is one in it",
            remedy="keep secrets in `SecretStr` until the moment they are sent",
        )


@rule(Level.SILVER)
async def credentials(stage: Stage) -> None:
    """Settings that the platform refuses end in CredentialsRefused: a person must act."""
    if not any(True for _ in secrets_in(stage.settings)):
        raise Inapplicable("its settings hold no secret")
    stand_in = stage.able(Doubting, "cannot refuse credentials")  # type: ignore[type-abstract]
    stage.table = dict(stand_in.wrong_settings)
    stage.settings = stage.subject.settings(stage.table)
    raised = [await _refusal(stage, how) for how in ("prove", "connect")]
    for error in raised:
        _tells_no_secret(stage, "what is said of wrong credentials", repr(error))
    if not any(isinstance(each, CredentialsRefused) for each in raised):
        raise Broken(
            "`prove` or `connect` raises CredentialsRefused where the platform refuses them",
            seen=" and ".join(told(each) if each else "nothing raised" for each in raised),
            remedy="tell that answer of the platform from others: nobody asks again for a while",
        )


async def _refusal(stage: Stage, how: str) -> Exception | None:
    """What is raised by wrong settings, if anything is."""
    try:
        if how == "prove":
            plugin = stage.subject.plugin
            await stage.bounded(plugin.prove(stage.settings, stage.host.http), how)
        else:
            held = Held(stage.subject, stage.settings, stage.host, stage.port, stage.patience)
            try:
                await held.adapter()
            finally:
                await held.drop()
    # Whatever foreign code raises is what was seen of it.
    except Exception as error:
        return error
    return None
