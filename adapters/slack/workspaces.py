"""In which workspaces are we, and as whom? One by its token, or many by installation."""

from dataclasses import dataclass, field
from typing import Protocol

from adapters.slack.identity import BotIdentity
from adapters.slack.people.absences import Absences
from adapters.slack.people.askers import Askers
from adapters.slack.to_slack import Features
from adapters.slack.web.calls import Calls
from bridge.errors import CredentialsRefused


@dataclass(slots=True)
class Workspace:
    """One workspace: who we are there, how we call it, what it lets us use."""

    bot: BotIdentity
    calls: Calls
    features: Features = field(default_factory=Features)
    askers: Askers = field(default_factory=Askers)
    absences: Absences = field(init=False)

    def __post_init__(self) -> None:
        self.absences = Absences(self.team, self.calls)

    @property
    def team(self) -> str:
        """Its id."""
        return self.bot.team


class Workspaces(Protocol):
    """Every workspace that we may serve."""

    def known(self, team: str) -> Workspace | None:
        """The workspace, without asking anybody: for what must be acknowledged at once."""
        ...

    async def of(self, team: str) -> Workspace:
        """The workspace of a thread.

        Raises:
            CredentialsRefused: we are not installed there, or not any more.
            Unreachable: that cannot be told now.
        """
        ...

    async def meet(self, team: str, organisation: str) -> None:
        """Something came from there; its `organisation` may have installed the app for all.

        Raises:
            DatabaseFailed: it cannot be noted; what came is to be repeated.
        """
        ...

    async def part(self, team: str, organisation: str) -> None:
        """The app was taken out of a workspace, or with no `team` out of an organisation.

        Raises:
            DatabaseFailed: it cannot be noted; what told is to be repeated.
        """
        ...


class OneWorkspace:
    """The workspace of the configured token. What comes from a shared channel is served too."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def known(self, team: str) -> Workspace | None:
        """The one, for its own team; an event that names no team is its own as well."""
        return self._workspace if team in {"", self._workspace.team} else None

    async def meet(self, team: str, organisation: str) -> None:
        """Nothing: there is one workspace."""

    async def part(self, team: str, organisation: str) -> None:
        """Nothing: Slack refuses the token from now on, until the app is installed again."""

    async def of(self, team: str) -> Workspace:
        """The one. Raises CredentialsRefused for a thread of any other."""
        if team != self._workspace.team:
            raise CredentialsRefused(
                f"this bot_token is of the workspace {self._workspace.team}, not of {team}",
                remedy="configure the token with which the conversation was begun",
            )
        return self._workspace
