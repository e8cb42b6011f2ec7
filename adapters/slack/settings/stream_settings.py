"""What an operator configures of how long answers grow."""

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel

from bridge.plugin.settings import Duration


class StreamSettings(BaseModel):
    """Whether and how an unfinished answer is shown."""

    #: As Slack's own stream in direct messages and by changes of a message elsewhere (`auto`),
    #: always as one of the two, or only when it is complete (`off`).
    streaming: Literal["auto", "native", "edit", "off"] = "auto"
    #: The shortest time between two changes of one growing message.
    stream_pace: Duration = timedelta(seconds=1)
