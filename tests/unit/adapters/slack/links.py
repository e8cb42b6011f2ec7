"""Twins of a socket and of where sockets come from, and a workspace nobody is called in."""

import asyncio

from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.identity import BotIdentity
from adapters.slack.web.calls import Calls
from adapters.slack.workspaces import Workspace


class PlayedLink:
    """A socket that does what a test says."""

    def __init__(self, connections: int = 0) -> None:
        self.connections = connections
        self.events = 0
        self.reason = ""
        self.over = asyncio.Event()
        self.gone = asyncio.Event()
        self.listening = True
        self.given = 0
        self.left = 0

    def signs(self) -> int:
        given, self.given = self.given, 0
        return given + 0  # whatever is no number breaks the one who looks

    def replace(self, reason: str) -> None:
        self.reason = self.reason or reason
        self.over.set()

    def lose(self) -> None:
        """The network takes it."""
        self.listening = False
        self.gone.set()
        self.replace("lost")

    async def leave(self) -> None:
        self.listening = False
        self.left += 1
        self.gone.set()


class PlayedDoor:
    """Gives sockets, or the troubles planned."""

    def __init__(self, *troubles: Exception) -> None:
        self.troubles = list(troubles)
        self.given: list[PlayedLink] = []
        self.told = 0  #: connections that each new socket is told of

    async def open(self) -> PlayedLink:
        if self.troubles:
            raise self.troubles.pop(0)
        self.given.append(PlayedLink(self.told))
        return self.given[-1]


def workspace() -> Workspace:
    """T1, where we are U0 with the bot B1."""
    return Workspace(BotIdentity(team="T1", user="U0", bot="B1"), Calls(AsyncWebClient("xoxb-1")))
