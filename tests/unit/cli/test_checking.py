"""What `check --connect` says of each credential."""

import pytest

from bridge.cli.checking import _proved
from bridge.errors import BridgeError, CredentialsRefused


async def says(*words: str) -> str:
    return "\n".join(words)


async def fails(error: BridgeError) -> str:
    raise error


async def test_what_is_found_beside_stands_indented_below(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failures: dict[str, BridgeError] = {}
    await _proved("adapter slack", says("bot of Acme", "no scope x", "no scope y"), failures)
    await _proved("agent default", says("good"), failures)

    assert capsys.readouterr().out == (
        "adapter slack: bot of Acme\n  no scope x\n  no scope y\nagent default: good\n"
    )
    assert failures == {}


async def test_several_findings_of_a_refusal_are_told_line_by_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failures: dict[str, BridgeError] = {}
    error = CredentialsRefused("refused\nno scope x", remedy="reinstall the app")
    await _proved("adapter slack", fails(error), failures)

    assert capsys.readouterr().out == (
        "adapter slack: FAILED: refused\n  no scope x; what to do: reinstall the app\n"
    )
    assert failures == {"adapter slack": error}
