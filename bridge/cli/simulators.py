"""How are the simulators run by hand? As servers on loopback that say how to use them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import click

from bridge.clock import RandomIds, SystemClock
from bridge.errors import ConfigurationError

if TYPE_CHECKING:  # imported where it is used: other commands need no server
    from bridge.simulators.slack import SlackSimulator


@click.group()
def simulate() -> None:
    """The simulators as servers on loopback, until interrupted."""


_PORT = click.IntRange(0, 65535)


@simulate.command("polyai")
@click.option("--port", type=_PORT, default=8091, show_default=True, help="0 for any free port.")
def simulate_polyai(port: int) -> None:
    """A PolyAI Messaging service with a small rule-driven agent."""
    from bridge.simulators.polyai import PolyAISimulator

    simulator = PolyAISimulator(clock=SystemClock(), ids=RandomIds(), port=port)

    def shown() -> str:
        return _POLYAI_SHOWN.format(url=simulator.base_url)

    asyncio.run(_simulated(simulator, port, shown))


@simulate.command("slack")
@click.option("--port", type=_PORT, default=8092, show_default=True, help="0 for any free port.")
@click.option("--to-install", is_flag=True, help="The app is not installed yet: HTTP and OAuth.")
def simulate_slack(*, port: int, to_install: bool) -> None:
    """A Slack workspace: the Web API and Socket Mode."""
    from bridge.simulators.slack import SlackSimulator

    if to_install:
        _simulate_installing(port)
        return
    simulator = SlackSimulator(clock=SystemClock(), ids=RandomIds(), port=port)
    ids = _people(simulator)

    def shown() -> str:
        api_url = simulator.api_url
        return _SLACK_SHOWN.format(url=api_url.removesuffix("/api/"), api_url=api_url, **ids)

    asyncio.run(_simulated(simulator, port, shown))


def _simulate_installing(port: int) -> None:
    from bridge.simulators.slack_town import SlackTown

    town = SlackTown(clock=SystemClock(), ids=RandomIds(), port=port)
    told: dict[str, str] = {}

    @asynccontextmanager
    async def peopled() -> AsyncIterator[None]:
        async with town:
            workspace = await town.add_workspace(_TEAM)
            town.consents = _TEAM
            control = workspace.api_url.removesuffix("/api/")
            told.update(_people(workspace), control=control, api_url=town.api_url)
            yield

    asyncio.run(_simulated(peopled(), port, lambda: _INSTALLING_SHOWN.format_map(told)))


def _people(simulator: "SlackSimulator") -> dict[str, str]:
    """Fill a workspace; the ids by what they are shown as."""
    return {
        "channel": simulator.add_channel("help"),
        "ann": simulator.add_user("Ann"),
        "ben": simulator.add_user("Ben"),
        "bot": simulator.bot_user_id,
    }


_POLYAI_SHOWN = """\
PolyAI simulator: {url}
control: POST {url}/_simulator/VERB, GET {url}/_simulator/state

# for bridge.toml
[agents.default]
base_url = "{url}"
connector_token = "simulated-connector-token"
host = "https://demo.example"
"""
_SLACK_SHOWN = """\
Slack simulator: {url}
control: POST {url}/_simulator/VERB, GET {url}/_simulator/state
channel #help: {channel}
person Ann: {ann}
person Ben: {ben}
bot user: {bot}

# for bridge.toml
[adapters.slack]
type = "slack"
bot_token = "xoxb-simulated"
app_token = "xapp-simulated"
api_url = "{api_url}"
"""
_TEAM = "T0DEMO"
_INSTALLING_SHOWN = """\
Slack simulator, whoever comes to its page of permissions consents: {api_url}
its workspace, control: POST {control}/_simulator/VERB, GET {control}/_simulator/state
channel #help: {channel}
person Ann: {ann}
person Ben: {ben}
bot user: {bot}

# for bridge.toml
[database]
encryption_key = "simulated-key-of-thirty-two-characters"

[adapters.slack]
type = "slack"
mode = "http"
public_url = "http://127.0.0.1:8080"
signing_secret = "simulated"
client_id = "1.2"
client_secret = "simulated"
api_url = "{api_url}"

# and once the bridge runs
curl -s {control}/_simulator/send_requests_to -H 'content-type: application/json' \\
  -d '{{"url": "http://127.0.0.1:8080/slack/events", "signing_secret": "simulated"}}'
"""


async def _simulated(
    simulator: AbstractAsyncContextManager[object], port: int, shown: Callable[[], str]
) -> None:
    """Run a simulator until interrupted, once it has said how to use it.

    Raises:
        ConfigurationError: it cannot have its port.
    """
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(simulator)
        except OSError as error:
            cause = os.strerror(error.errno).lower() if error.errno else "it is not to be had"
            raise ConfigurationError(
                f"the simulator cannot listen on 127.0.0.1:{port}: {cause}",
                remedy="choose another with --port; 0 is any free port",
            ) from None
        click.echo(shown())
        await _until_interrupted()


async def _until_interrupted() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
