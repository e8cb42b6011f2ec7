"""How does an operator write down who may talk to the agent?"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from adapters.slack.reading.admission import DIRECT, Admission, AnswerTo, List
from bridge.plugin.settings import Ids, read_ids


def _read_channels(given: object) -> tuple[str, ...]:
    return read_ids(given, words={DIRECT})


#: Ids of channels, and the word for every direct conversation.
_Channels = Annotated[tuple[str, ...], BeforeValidator(_read_channels)]


class AdmissionSettings(BaseModel):
    """The keys that say who may talk, and where. An empty list of allowed ones allows all."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    #: People of these workspaces; who is denied anything is denied whatever else allows it.
    allow_workspaces: Ids = ()
    deny_workspaces: Ids = ()
    allow_channels: _Channels = ()
    deny_channels: _Channels = ()
    allow_people: Ids = ()
    deny_people: Ids = ()
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
