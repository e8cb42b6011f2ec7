"""What becomes of a payload that Slack sends? The same by every way it comes.

The law here: Slack is told that we have something only after `host.accept` has stored it. What is
not for us is acknowledged as well, or Slack would repeat it three times. Whoever pressed, chose or
typed something is never left without an answer: where no conversation can give it, we do, after
the ack and as well as we can.
"""

from dataclasses import dataclass
from typing import Any

from adapters.slack import asides, clicks, commands, interactions
from adapters.slack.asides import Asides
from adapters.slack.control_settings import ControlSettings
from adapters.slack.from_slack import from_slack, team_of
from adapters.slack.home import HomeTabs
from adapters.slack.interactions import Asker, Command
from adapters.slack.logs import LOG
from adapters.slack.workspaces import Workspace, Workspaces
from bridge.errors import DatabaseFailed
from bridge.model.inbound import Deleted, Edited, Inbound, Said, ThreadGone, TooFast
from bridge.plugin import Accepted, Host


@dataclass(frozen=True, slots=True)
class Reply:
    """What Slack is answered: a status of HTTP, and words where it asked for some (JSON)."""

    status: int = 200
    body: str = ""


class Reception:
    """Takes what comes in, for every workspace. To be closed: it may still be telling somebody."""

    def __init__(
        self, workspaces: Workspaces, host: Host, settings: ControlSettings | None = None
    ) -> None:
        self._workspaces = workspaces
        self._host = host
        self._settings = settings or ControlSettings()
        self._words = self._settings.words
        self._asides = Asides()
        self._homes = HomeTabs(workspaces, host, self._settings, self._asides)

    async def take(self, payload: object) -> Reply:
        """Store it if it is for us; only then does the caller answer Slack."""
        if not isinstance(payload, dict):
            return Reply()
        if (command := interactions.read_command(payload)) is not None:
            return await self._command(command)
        workspace = self._workspaces.known(team_of(payload))
        inbound = from_slack(payload, workspace.bot, self._words) if workspace else None
        accepted = None
        if inbound is not None:
            try:
                accepted = await self._host.accept(inbound)
            except DatabaseFailed:
                LOG.warning("slack.not_stored", extra={"identity": inbound.identities[0]})
                return Reply(status=500)
        if workspace and inbound and accepted is not Accepted.IGNORED:
            workspace.absences.heard(inbound.thread, inbound.person.id)
        self._answer(payload, inbound, accepted, workspace)
        return Reply()

    async def close(self) -> None:
        """End what is still being told to anybody; no task stays behind."""
        await self._asides.close()

    async def _command(self, command: Command) -> Reply:
        workspace = self._workspaces.known(command.team)
        if workspace is None or not self._settings.command:
            return Reply()
        name = self._settings.command
        body = await commands.answer(command, workspace, self._host, self._words, name=name)
        return Reply(body=body)

    def _answer(
        self,
        payload: dict[str, Any],
        inbound: Inbound | None,
        accepted: Accepted | None,
        workspace: Workspace | None,
    ) -> None:
        """Begin what the person is shown beside the thread, if anything."""
        tab = interactions.read_home(payload)
        if tab is not None:
            if self._settings.home_tab and not interactions.only_opens(payload):
                self._homes.pressed(tab, inbound if accepted is not Accepted.IGNORED else None)
        elif (told := _courtesy(payload, inbound, accepted, workspace)) is not None:
            asker, text = told
            workspace = workspace or self._workspaces.known(asker.team)
            self._asides.start(asides.tell(asker, text, workspace, self._host.http))


def _courtesy(
    payload: dict[str, Any],
    inbound: Inbound | None,
    accepted: Accepted | None,
    workspace: Workspace | None,
) -> tuple[Asker, str] | None:
    """Whom to tell what, where the conversation itself will not answer."""
    if inbound is None or workspace is None:
        waiting = interactions.awaits_answer(payload)
        return (interactions.asker_of(payload), asides.UNCLEAR) if waiting else None
    pressed = interactions.awaits_answer(payload)
    asker = interactions.asker_of(payload) if pressed else asides.asker_behind(inbound)
    if accepted is Accepted.IGNORED:
        if isinstance(inbound.body, Said | Edited | Deleted | TooFast | ThreadGone):
            return None  # people talk in threads that are none of ours
        return asker, asides.nothing_here(inbound.body, workspace.bot.user)
    if clicks.in_list(payload):
        return asker, asides.passed_on(inbound.body)
    return None
