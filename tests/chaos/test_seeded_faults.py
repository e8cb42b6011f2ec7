"""Would the kill matrix notice? Each fault of ours costs something, where a kill shows it."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.chaos.flows import AgentMessage, Handoff, Mention, Reply, Streamed
from tests.chaos.scene import Arm
from tests.chaos.seeded import FAULTS, SPARED
from tests.chaos.showing import Shown, missed, played
from tests.chaos.slack_scene import SlackScene
from tests.chaos.verdict import Verdict

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


class SlowlyFound(AgentMessage):
    """Whoever looks for what is in doubt has to wait for Slack: long enough to be passed."""

    scene: SlackScene

    async def opened(self) -> None:
        await super().opened()
        self.scene.slack.slow("conversations.replies", timedelta(seconds=4))


_BEFORE_ACCEPT = (Mention, Arm("point", "before-accept"))
_AFTER_ACCEPT = (Mention, Arm("point", "after-accept"))
_AFTER_STEP = (Mention, Arm("point", "after-step"))
_AFTER_ATTEMPT = (Mention, Arm("point", "after-attempt"))
_AFTER_SEND = (Mention, Arm("point", "after-send"))
#: The first frame asks the agent to join, the second is the message.
_BEFORE_FRAME = (Mention, Arm("point", "before-transmit", 2))
_AFTER_FRAME = (Mention, Arm("point", "after-transmit", 2))
_IN_A_STREAM = (Streamed, Arm("moment", "between chunks"))
_IN_A_HANDOFF = (Handoff, Arm("moment", "while a person is there"))
#: Of the greeting, of its buttons' end, of "ready": the fourth is that of "news 1".
_FOURTH_ATTEMPT = (SlowlyFound, Arm("point", "after-attempt", 4))

#: By fault: where it shows, and the fields of the verdict that say so, any of them.
SHOWN: dict[str, tuple[Shown, str]] = {
    "acknowledged_before_the_commit": (_BEFORE_ACCEPT, "lost"),
    "acted_before_the_commit": (_AFTER_SEND, "lost doubled"),  # it depends on what was late
    "settled_before_the_answer": (_AFTER_ATTEMPT, "lost"),
    "the_attempt_is_not_written_down": (_AFTER_SEND, "doubled"),
    "what_is_in_doubt_is_sent_again_unseen": (_AFTER_SEND, "doubled"),
    "what_is_in_doubt_is_taken_for_sent": (_AFTER_ATTEMPT, "lost"),
    "what_is_in_doubt_is_never_looked_for": (_AFTER_SEND, "held"),
    "what_is_in_doubt_holds_up_nothing": (_FOURTH_ATTEMPT, "disordered"),
    "the_outbox_is_forgotten_at_the_start": (_AFTER_ATTEMPT, "lost"),
    "the_inbox_is_forgotten_at_the_start": (_AFTER_ACCEPT, "lost"),
    "told_twice_is_two_things": (_AFTER_ACCEPT, "doubled"),
    "the_state_is_committed_before_what_it_owes": (_AFTER_STEP, "lost"),
    "the_cursor_passes_an_unfinished_stream": (_IN_A_STREAM, "lost"),
    "what_the_thread_shows_is_not_stored": (_IN_A_STREAM, "doubled"),
    "the_journal_is_not_stored": (_IN_A_HANDOFF, "doubled"),
    "the_agent_is_asked_to_join_on_every_socket": ((Reply, _AFTER_SEND[1]), "doubled"),
    "what_is_in_flight_is_taken_for_heard": (_BEFORE_FRAME, "lost"),
    "what_is_in_flight_is_sent_again_without_a_replay": (_AFTER_FRAME, "doubled"),
}
#: Where that would show which costs nothing.
HARMLESS: dict[str, Shown] = {"a_replay_begins_after_what_was_read": _IN_A_STREAM}


def test_each_fault_has_a_death_that_shows_it() -> None:
    assert set(SHOWN) == set(FAULTS)
    assert set(HARMLESS) == set(SPARED)


async def test_the_same_deaths_cost_nothing_without_a_fault_or_with_one_made_up_for(
    tmp_path: Path,
) -> None:
    sound = [("", shown) for shown in dict.fromkeys(shown for shown, _ in SHOWN.values())]
    outcomes = await played([*sound, *HARMLESS.items()], tmp_path)

    assert [outcome.problem for outcome in outcomes if outcome.problem] == []
    assert all(outcome.verdict == Verdict() for outcome in outcomes)


async def test_every_fault_of_our_own_is_caught(tmp_path: Path) -> None:
    assert await missed(SHOWN, tmp_path) == {}
