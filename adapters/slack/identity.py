"""Who are we in a workspace?"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class BotIdentity:
    """Who we are in the workspace, as `auth.test` said."""

    team: str
    user: str
    bot: str = ""
    name: str = ""
    team_name: str = ""
    address: str = ""  #: of the workspace, such as `https://example.slack.com/`
    since: datetime | None = None  #: when the app was installed there, if we know
