"""Who may talk to the agent, and where? Decided here for words, clicks and commands alike.

Pure. Who is refused is told nothing: to answer would be to talk with them.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

#: Among channels, this word stands for every direct conversation: their ids are hard to come by.
DIRECT = "direct"


class AnswerTo(enum.StrEnum):
    """Whose words in a thread that the agent is in are for the agent."""

    EVERYONE = "everyone"
    STARTER = "starter"  #: of whoever began the conversation
    MENTION = "mention"  #: that mention the app; in direct conversations all


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody, or another app, who wants something of us in a place.

    `workspace` is the one that we are installed in; `home` is the person's own, where Slack says
    it, and in a shared channel may be another.
    """

    person: str
    channel: str
    workspace: str
    home: str = ""
    external: bool = False  #: of another organisation, by Slack Connect
    automatic: bool = False  #: another app, or a workflow


@dataclass(frozen=True, slots=True)
class List:
    """Who is let in by name: with nobody allowed everybody is; to be denied weighs more."""

    allowed: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()

    def admits(self, *names: str) -> bool:
        """Whether somebody of these names is let in."""
        return not self.denied & set(names) and (
            not self.allowed or bool(self.allowed & set(names))
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """The rules of one adapter."""

    workspaces: List = field(default_factory=List)
    channels: List = field(default_factory=List)
    people: List = field(default_factory=List)
    answer_to: AnswerTo = AnswerTo.EVERYONE
    bots: bool = False
    external_people: bool = True

    def admits(self, caller: Caller) -> bool:
        """Whether the caller may want anything of us there."""
        if caller.automatic and not self.bots:
            return False
        if caller.external and not self.external_people:
            return False
        return (
            self.workspaces.admits(caller.home or caller.workspace)
            and caller.workspace not in self.workspaces.denied
            and self.channels.admits(*_names_of(caller.channel))
            and self.people.admits(caller.person)
        )


#: Nobody is refused but other apps.
OPEN = Admission()


def _names_of(channel: str) -> tuple[str, ...]:
    return (channel, DIRECT) if channel.startswith("D") else (channel,)


def is_external(home: str, *ours: str, shared: bool = True) -> bool:
    """Whether a person of the workspace `home` is of another organisation.

    `ours` are the workspace that we are installed in and its organisation; `shared` is whether the
    place may be shared with others at all.
    """
    return bool(home) and shared and home not in ours


def interactive_caller(
    payload: Mapping[str, object], *, person: str, channel: str, workspace: str
) -> Caller:
    """Who pressed, typed or chose something, by a payload of Slack's interactivity.

    A press and a shortcut say whose they are in `user`, a slash command at the top
    (docs.slack.dev/reference/interaction-payloads).
    """
    user, organisation = payload.get("user"), payload.get("enterprise")
    said = user.get("team_id") if isinstance(user, dict) else payload.get("team_id")
    own = organisation.get("id") if isinstance(organisation, dict) else payload.get("enterprise_id")
    home = said if isinstance(said, str) else ""
    external = is_external(home, workspace, own if isinstance(own, str) else "")
    return Caller(person=person, channel=channel, workspace=workspace, home=home, external=external)
