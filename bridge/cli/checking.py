"""Is it right? The proof of every credential, one after the other."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta
from typing import Final

import aiohttp
import click

from bridge import config, log
from bridge.cli.advice import clock_finding
from bridge.cli.printing import visible
from bridge.errors import BridgeError, CredentialsRefused, Unreachable
from bridge.plugin import registry
from bridge.runtime.adapters.configured import Configured
from bridge.runtime.connecting.proving import prove_agent
from bridge.runtime.world import World

#: How long an adapter's proof may take.
_PATIENCE: Final = timedelta(seconds=60)


async def prove(settings: config.Settings, adapters: list[Configured]) -> None:
    """Prove every credential and say each result; then fail, if one failed.

    Raises:
        CredentialsRefused: at least one was refused.
        BridgeError: at least one could not be proved, and none was refused.
    """
    world = World()
    failures: dict[str, BridgeError] = {}
    for name, agent in settings.agents.items():
        await _proved(f"agent {name}", prove_agent(name, agent, world), failures)
    async with aiohttp.ClientSession() as http:
        await _compare_clocks(settings, http, world)
        for one in adapters:
            if one.plugin is not None and one.settings is not None:
                proof = _proof(one.plugin, one.settings, http)
                await _proved(f"adapter {one.name}", proof, failures)
    if failures:
        refused = any(isinstance(each, CredentialsRefused) for each in failures.values())
        kind = CredentialsRefused if refused else BridgeError
        raise kind(f"could not be proved: {', '.join(failures)}")


async def _compare_clocks(
    settings: config.Settings, http: aiohttp.ClientSession, world: World
) -> None:
    """Say if ours differs from that of an agent's server; who does not answer was told of."""
    for name, agent in settings.agents.items():
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with http.get(
                agent.base_url, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=5)
            ) as answer:
                finding = clock_finding(name, answer.headers.get("Date", ""), world.clock.now())
            if finding is not None:
                _say(str(finding))


async def _proof(
    plugin: registry.AnyPlugin,
    settings: registry.AnySettings,
    http: aiohttp.ClientSession,
    *,
    within: timedelta = _PATIENCE,
) -> str:
    """What the plug-in says, if it says so in time; even its call may raise."""
    wait = asyncio.timeout(within.total_seconds())
    try:
        async with wait:
            return await plugin.prove(settings, http)
    except TimeoutError:
        if wait.expired():
            raise Unreachable(f"no answer within {within.total_seconds():g} seconds") from None
        raise


async def _proved(what: str, proof: Awaitable[str], failures: dict[str, BridgeError]) -> None:
    try:
        _say(f"{what}: {log.redact(await proof)}")
    # A stranger's plug-in may raise whatever it likes, and what that says may be a secret.
    except (Exception, SystemExit) as foreign:
        error = foreign if isinstance(foreign, BridgeError) else BridgeError(type(foreign).__name__)
        remedy = error.remedy or "try again; if it stays so, check the address and the network"
        _say(f"{what}: FAILED: {log.redact(f'{error.message}; what to do: {remedy}')}")
        failures[what] = error


def _say(text: str) -> None:
    """One result; what is found beside the first line stands indented below it."""
    first, *further = map(visible, text.splitlines())
    click.echo("\n  ".join((first, *further)))
