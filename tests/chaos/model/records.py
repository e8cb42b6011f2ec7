"""What both sides recorded, thread by thread, and how it compares with what must be there."""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.simulators import polyai_frames as frames
from bridge.simulators.polyai import SimulatedSession
from bridge.simulators.slack_workspace import StreamState
from tests.chaos.model.talk import ENDED, JOINED, Talk
from tests.chaos.slack_scene import SlackScene
from tests.chaos.verdict import Compared

#: Notices that each stand for something of their own, and those that may come with any trouble.
_COUNTED = {"The conversation (?:was|has) .*": ENDED, "Sam has joined.*": JOINED}
_PASSING = re.compile(
    "This is a new conversation|The wait for a person is over|Connecting you to a person"
    "|The agent cannot be reached at the moment|Sam has left|You (?:are|have been) "
)
_NAME = re.compile(r"\bt(\d+)n\d+")
_IN_BURST = re.compile(r"(t\d+n\d+)[abc]\b")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thread of the program is in Slack."""

    channel: str
    ts: str


def sessions_of(scene: SlackScene, thread: int) -> list[SimulatedSession]:
    """The agent's sessions in which something of this thread was said, the oldest first."""
    return [s for s in scene.stage.sessions if thread in _threads(s)]


def _threads(session: SimulatedSession) -> set[int]:
    return {int(name) for m in session.accepted for name in _NAME.findall(m.text)}


def compared(scene: SlackScene, talks: Sequence[Talk], places: dict[int, Place]) -> list[Compared]:
    """Every thread of both sides; and what belongs to none."""
    every = [c for n, place in sorted(places.items()) for c in _thread(scene, n, talks[n], place)]
    mixed = [s.id for s in scene.stage.sessions if s.greetings and len(_threads(s)) != 1]
    joined = [str(s.joins) for s in scene.stage.sessions if s.joins > 1]
    return [
        *every,
        Compared("sessions of no thread, or of several", [], mixed),
        Compared("joined again", [], joined),
        Compared("taken back", [], _taken_back(scene)),
    ]


def _thread(scene: SlackScene, number: int, talk: Talk, place: Place) -> list[Compared]:
    sessions = sessions_of(scene, number)
    heard = [m.text for s in sessions for m in s.accepted]
    said = [_plain(text) for s in sessions for text in _said(s)]
    shown = [_plain(text) for text in shown_in(scene, place)]
    return [
        Compared(f"t{number}: heard by the agent", talk.heard, settled(heard)),
        Compared(f"t{number}: said by the agent", [_plain(t) for t in talk.said], settled(said)),
        Compared(f"t{number}: shown in the thread", said, shown),
        Compared(f"t{number}: left unfinished", [], _unfinished(scene, place)),
    ]


def shown_in(scene: SlackScene, place: Place) -> list[str]:
    """What stands in a thread, in order; notices by their names, passing ones left out."""
    told = scene.stage.told(place.ts, channel=place.channel)
    return [_counted(text) for text in told if not _PASSING.match(text)]


def _counted(text: str) -> str:
    text = text.partition("\nOrder 4711")[0]  # what is attached stands below
    return next((name for words, name in _COUNTED.items() if re.fullmatch(words, text)), text)


def _said(session: SimulatedSession) -> Iterable[str]:
    """What the agent's side of a session comes to, each message where it began."""
    whole: dict[str, str] = {}
    for frame in session.journal:
        payload = frame.payload
        match frame.type:
            case frames.MESSAGE:
                whole[payload["message_id"]] = payload["text"]
            case frames.CHUNK:
                begun = whole.get(payload["message_id"], "")
                whole[payload["message_id"]] = begun + payload["text"]
            case frames.LIVE_MESSAGE:
                whole[payload["message_id"]] = f"Sam: {payload['text']}"
            case frames.LIVE_JOINED:
                whole[frame.id] = JOINED
            case frames.SESSION_END:
                whole[frame.id] = ENDED
    return whole.values()


def _plain(text: str) -> str:
    """The words without any markup."""
    return text if text in (ENDED, JOINED) else " ".join(re.findall(r"[\w']+", text))


def settled(texts: Sequence[str]) -> list[str]:
    """What was said in one burst may come in any order among itself."""
    groups = itertools.groupby(texts, key=lambda text: _IN_BURST.sub(r"\1", text))
    return [text for _, group in groups for text in sorted(group)]


def _unfinished(scene: SlackScene, place: Place) -> list[str]:
    posts = scene.posts(place.ts, channel=place.channel)
    return [p.text for p in posts if p.streaming_state is StreamState.IN_PROGRESS]


def _taken_back(scene: SlackScene) -> list[str]:
    """What we took back ourselves was seen twice for a moment, even if it is gone."""
    now = [scene.slack._channels[p.channel].messages[p.ts] for p in scene.slack.posts]
    return [message.text for message in now if message.deleted]
