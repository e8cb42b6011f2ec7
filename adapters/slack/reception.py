"""What becomes of a payload that Slack sends? The same by every way it comes.

The law here: Slack is told that we have something only after `host.accept` has stored it. What is
not for us is acknowledged as well, or Slack would repeat it three times.
"""

from dataclasses import dataclass

from adapters.slack.from_slack import from_slack, team_of
from adapters.slack.logs import LOG
from adapters.slack.workspaces import Workspaces
from bridge.errors import DatabaseFailed
from bridge.plugin import Host


@dataclass(frozen=True, slots=True)
class Reply:
    """What Slack is answered: a status of HTTP, and words where it asked for some."""

    status: int = 200
    body: str = ""


class Reception:
    """Takes what comes in, for every workspace."""

    def __init__(self, workspaces: Workspaces, host: Host) -> None:
        self._workspaces = workspaces
        self._host = host

    async def take(self, payload: object) -> Reply:
        """Store it if it is for us; only then does the caller answer Slack."""
        workspace = self._workspaces.known(team_of(payload))
        inbound = from_slack(payload, workspace.bot) if workspace else None
        if inbound is not None:
            try:
                await self._host.accept(inbound)
            except DatabaseFailed:
                LOG.warning("slack.not_stored", extra={"identity": inbound.identities[0]})
                return Reply(status=500)
        return Reply()
