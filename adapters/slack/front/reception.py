"""What becomes of a payload that Slack sends? The same by every way it comes.

The law here: Slack is told that we have something only after `host.accept` has stored it. What is
not for us is acknowledged as well, or Slack would repeat it three times. Whoever pressed, chose or
typed something is never left without an answer: where no conversation can give it, we do, after
the ack and as well as we can.
"""

from dataclasses import dataclass, replace
from typing import Any

from adapters.slack import ids
from adapters.slack.from_slack import from_slack, team_of
from adapters.slack.front import asides, closing, commands
from adapters.slack.front.asides import Asides
from adapters.slack.front.home import HomeTabs
from adapters.slack.logs import LOG
from adapters.slack.reading import clicks, interactions
from adapters.slack.reading.admission import Admission, Caller, List, interactive_caller
from adapters.slack.reading.callbacks import organisation_of
from adapters.slack.reading.interactions import Asker, Command, HomeTab
from adapters.slack.settings import SlackSettings
from adapters.slack.workspaces import Workspace, Workspaces
from bridge.errors import DatabaseFailed
from bridge.model.inbound import Inbound, ThreadGone
from bridge.plugin import Accepted, Host


@dataclass(frozen=True, slots=True)
class Reply:
    """What Slack is answered: a status of HTTP, and words where it asked for some (JSON)."""

    status: int = 200
    body: str = ""


class Reception:
    """Takes what comes in, for every workspace. To be closed: it may still be telling somebody."""

    def __init__(self, workspaces: Workspaces, host: Host, settings: SlackSettings) -> None:
        self._workspaces = workspaces
        self._host = host
        self._settings = settings
        self._words = settings.words
        self._rules = settings.admission
        self._asides = Asides()
        self._homes = HomeTabs(workspaces, host, settings, self._asides)

    def read(self, payload: object) -> Inbound | None:
        """What `payload` means for us, without doing anything about it."""
        return self._read(payload, self._workspaces.known(team_of(payload)))

    def _read(self, payload: object, workspace: Workspace | None) -> Inbound | None:
        return from_slack(payload, workspace.bot, self._words, self._rules) if workspace else None

    async def take(self, payload: object) -> Reply:
        """Store it if it is for us; only then does the caller answer Slack."""
        if not isinstance(payload, dict):
            return Reply()
        try:
            team = team_of(payload)
            await self._workspaces.meet(team, organisation_of(payload, team))
        except DatabaseFailed:
            return Reply(status=500)
        if (command := interactions.read_command(payload)) is not None:
            return await self._command(command, payload)
        workspace = self._workspaces.known(team)
        inbound, accepted = self._read(payload, workspace), None
        try:
            if inbound is not None:
                accepted = await self._host.accept(inbound)
            elif workspace is not None:
                closed = await closing.attend(payload, workspace.bot, self._host)
                if closed is not None and closed.whole:
                    await self._workspaces.part(team, organisation_of(payload, team))
        except DatabaseFailed:
            identity = inbound.identities[0] if inbound else ""
            LOG.warning("slack.not_stored", extra={"identity": identity})
            return Reply(status=500)
        if workspace and inbound and accepted is not Accepted.IGNORED and _from_a_person(inbound):
            workspace.absences.heard(inbound.thread, inbound.person.id)
            workspace.askers.heard(inbound.thread, inbound.person.id)
        self._answer(payload, inbound, accepted, workspace)
        return Reply()

    async def close(self) -> None:
        """End what is still being told to anybody; no task stays behind."""
        await self._asides.close()

    async def _command(self, command: Command, payload: dict[str, Any]) -> Reply:
        workspace, name = self._workspaces.known(command.team), self._settings.command
        caller = interactive_caller(
            payload, person=command.person, channel=command.channel, workspace=command.team
        )
        if workspace is None or not name or not self._rules.admits(caller):
            return Reply()
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
        if (tab := interactions.read_home(payload)) is not None:
            if self._settings.home_tab and _welcome(self._rules, payload, tab):
                self._homes.pressed(tab, inbound if accepted is not Accepted.IGNORED else None)
            return
        told = self._courtesy(payload, inbound, accepted)
        if told is not None:
            asker, text = told
            workspace = workspace or self._workspaces.known(asker.team)
            way = self._host.http, self._settings.api_url
            self._asides.start(asides.tell(asker, text, workspace, *way))

    def _courtesy(
        self, payload: dict[str, Any], inbound: Inbound | None, accepted: Accepted | None
    ) -> tuple[Asker, str] | None:
        """Whom to tell what, where the conversation itself will not answer."""
        pressed = interactions.awaits_answer(payload)
        if inbound is None:
            unclear = pressed and _let_in(self._rules, payload, interactions.asker_of(payload))
            return (interactions.asker_of(payload), asides.UNCLEAR) if unclear else None
        if accepted is Accepted.IGNORED:
            text = asides.nothing_here(inbound.body)
        else:
            text = asides.passed_on(inbound.body) if clicks.in_list(payload) else ""
        if not text:
            return None  # so it is nearly always
        return interactions.asker_of(payload) if pressed else asides.asker_behind(inbound), text


def _from_a_person(inbound: Inbound) -> bool:
    """Whether somebody did it to whom something can be shown alone: not a bot, not Slack itself."""
    return ids.is_user(inbound.person.id) and not isinstance(inbound.body, ThreadGone)


def _let_in(rules: Admission, payload: dict[str, Any], asker: Asker) -> bool:
    """Whether whoever pressed may want anything of us there; others are told nothing."""
    caller = interactive_caller(
        payload, person=asker.person, channel=asker.channel, workspace=asker.team
    )
    return rules.admits(caller)


def _welcome(rules: Admission, payload: dict[str, Any], tab: HomeTab) -> bool:
    """Whether the Home tab is for this person; it is in no channel, so those do not count."""
    person = Caller(person=tab.person, channel="", workspace=tab.team)
    anywhere = replace(rules, channels=List())
    return anywhere.admits(person) and not interactions.only_opens(payload)
