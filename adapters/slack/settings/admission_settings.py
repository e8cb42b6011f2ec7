"""How does an operator write down who may talk to the agent?"""

from functools import partial
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from adapters.slack.reading.admission import DIRECT, Admission, AnswerTo, List
from bridge.plugin.settings import read_ids


def _ids(begins: str, *words: str) -> BeforeValidator:
    """Ids of one kind, told by their first letter: with another, a list would say nothing."""
    return BeforeValidator(
        partial(read_ids, example=f"{begins[0]}0123456789", begins=begins, words=words)
    )


#: Ids of workspaces, and of whole organisations.
_Workspaces = Annotated[tuple[str, ...], _ids("TE")]
#: Ids of channels, and the word for every direct conversation.
_Channels = Annotated[tuple[str, ...], _ids("CGD", DIRECT)]
#: Ids of people (some of organisations begin with W), and of other apps.
_People = Annotated[tuple[str, ...], _ids("UWB")]


class AdmissionSettings(BaseModel):
    """The keys that say who may talk, and where. An empty list of allowed ones allows all."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    #: People of these workspaces; who is denied anything is denied whatever else allows it.
    allow_workspaces: _Workspaces = ()
    deny_workspaces: _Workspaces = ()
    allow_channels: _Channels = ()
    deny_channels: _Channels = ()
    allow_people: _People = ()
    deny_people: _People = ()
    #: People of other organisations, who share a channel with us.
    external_people: bool = True
    #: Other apps and workflows; they always have to mention ours.
    bots: bool = False
    #: Whose words in a thread of ours are for the agent.
    answer_to: Literal["everyone", "starter", "mention"] = "everyone"

    @property
    def admission(self) -> Admission:
        """The same as rules."""
        return Admission(
            workspaces=_list(self.allow_workspaces, self.deny_workspaces),
            channels=_list(self.allow_channels, self.deny_channels),
            people=_list(self.allow_people, self.deny_people),
            answer_to=AnswerTo(self.answer_to),
            bots=self.bots,
            external_people=self.external_people,
        )


def _list(allowed: tuple[str, ...], denied: tuple[str, ...]) -> List:
    return List(frozenset(allowed), frozenset(denied))
