"""Is it right? The proof of every credential, one after the other."""

from collections.abc import Awaitable

import aiohttp
import click

from bridge import app, config, log
from bridge.errors import BridgeError, CredentialsRefused
from bridge.runtime.world import World


async def prove(settings: config.Settings, adapters: list[app.Configured]) -> None:
    """Prove every credential and say each result; then fail, if one failed.

    Raises:
        CredentialsRefused: at least one was refused.
        BridgeError: at least one could not be proved, and none was refused.
    """
    world = World()
    failures: dict[str, BridgeError] = {}
    for name, agent in settings.agents.items():
        await _proved(f"agent {name}", app.prove_agent(name, agent, world), failures)
    async with aiohttp.ClientSession() as http:
        for one in adapters:
            if one.plugin is not None and one.settings is not None:
                proof = one.plugin.prove(one.settings, http)
                await _proved(f"adapter {one.name}", proof, failures)
    if failures:
        refused = any(isinstance(each, CredentialsRefused) for each in failures.values())
        kind = CredentialsRefused if refused else BridgeError
        raise kind(f"could not be proved: {', '.join(failures)}")


async def _proved(what: str, proof: Awaitable[str], failures: dict[str, BridgeError]) -> None:
    try:
        _say(f"{what}: {await proof}")
    # A stranger's plug-in may raise whatever it likes, and what that says may be a secret.
    except Exception as foreign:
        error = foreign if isinstance(foreign, BridgeError) else BridgeError(type(foreign).__name__)
        remedy = error.remedy or "try again; if it stays so, check the address and the network"
        _say(f"{what}: FAILED: {log.redact(f'{error.message}; what to do: {remedy}')}")
        failures[what] = error


def _say(text: str) -> None:
    """One result; what is found beside the first line stands indented below it."""
    first, *further = text.splitlines()
    click.echo("\n  ".join((first, *further)))
