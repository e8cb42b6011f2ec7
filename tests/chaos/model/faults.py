"""What goes wrong on the other side of the bridge's wires, by name; each passes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from tests.chaos.slack_scene import SlackScene

_POST, _UPDATE = "chat.postMessage", "chat.update"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that befalls the next occurrence; `door`: only there, or anywhere."""

    befall: Callable[[SlackScene], None]
    door: str = ""


def _slack() -> dict[str, Fault]:
    second, moment = timedelta(seconds=1), timedelta(milliseconds=300)
    return {
        "a post meets a limit": Fault(lambda s: s.slack.rate_limit(_POST, 1, second)),
        "a post's answer is lost": Fault(lambda s: s.slack.lose_response(_POST)),
        "two posts' answers are lost": Fault(lambda s: s.slack.lose_response(_POST, 2)),
        "a post is lost": Fault(lambda s: s.slack.lose_request(_POST)),
        "a post fails": Fault(lambda s: s.slack.http_error(_POST, 500)),
        "a post fails once it is done": Fault(
            lambda s: s.slack.http_error(_POST, 500, after_doing=True)
        ),
        "a post is slow": Fault(lambda s: s.slack.slow(_POST, moment)),
        "a change's answer is lost": Fault(lambda s: s.slack.lose_response(_UPDATE)),
        "a change fails": Fault(lambda s: s.slack.http_error(_UPDATE, 500)),
        "a change meets a limit": Fault(lambda s: s.slack.rate_limit(_UPDATE, 1, second)),
        "a stream's answer is lost": Fault(lambda s: s.slack.lose_response("chat.appendStream")),
        "a stream's end is lost": Fault(lambda s: s.slack.lose_response("chat.stopStream")),
        "events come twice": Fault(lambda s: s.slack.duplicate_next(3)),
        "an event is lost on its way": Fault(lambda s: s.slack.go_deaf(1), "socket"),
        "Slack's sockets break": Fault(lambda s: s.slack.drop_sockets(), "socket"),
        "Slack's sockets are renewed": Fault(lambda s: s.slack.disconnect(), "socket"),
        "an old event comes again": Fault(_told_again),
    }


def _told_again(scene: SlackScene) -> None:
    told = [e for e in scene.slack.envelopes if e.event_id and e.acked]
    if told:
        scene.slack.redeliver(told[len(told) // 2].event_id)


def _agent() -> dict[str, Fault]:
    return {
        "an echo is lost": Fault(lambda s: s.polyai.lose_echo()),
        "an echo is late": Fault(lambda s: s.polyai.delay_echo(0.4)),
        "a message is swallowed": Fault(lambda s: s.polyai.swallow_messages()),
        "a socket drops before an echo": Fault(lambda s: s.polyai.drop_after_next_message()),
        "a socket drops after an echo": Fault(
            lambda s: s.polyai.drop_after_next_message(before_echo=False)
        ),
        "a socket drops with a message": Fault(
            lambda s: s.polyai.drop_after_next_message(accepted=False)
        ),
        "a socket drops in a stream": Fault(lambda s: s.polyai.drop_after_chunks(2)),
        "the agent's sockets drop": Fault(lambda s: s.polyai.drop_sockets()),
        "the agent's server goes away": Fault(lambda s: s.polyai.drop_sockets(code=1001)),
        "frames come twice": Fault(lambda s: s.polyai.repeat_frames(3)),
        "a replay overlaps": Fault(lambda s: s.polyai.overlap_replay(3)),
        "a new socket drops": Fault(lambda s: s.polyai.drop_opened()),
        "a session is refused": Fault(lambda s: s.polyai.refuse_sessions(500)),
        "a token is refused": Fault(lambda s: s.polyai.refuse_tokens(503)),
        "a handshake is refused": Fault(lambda s: s.polyai.refuse_handshakes(503)),
        "a call is cut": Fault(lambda s: s.polyai.hang_up(None)),
        "a call's answer is lost": Fault(lambda s: s.polyai.lose_responses()),
        "a call is slow": Fault(lambda s: s.polyai.answer_slowly(None, 0.3)),
    }


FAULTS: dict[str, Fault] = {**_slack(), **_agent()}


def healed(scene: SlackScene) -> None:
    """What befell nobody is taken back, so that the next beat begins as it says."""
    scene.slack.forget_faults()
    scene.slack._envelopes.to_double = 0
    scene.slack._envelopes.to_swallow = 0
    scene.polyai.heal()
