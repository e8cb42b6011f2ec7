"""Would the kill matrix notice what a stranger's plug-in, or its process, does wrong?"""

from pathlib import Path

import pytest

from bridge.testing.stand_in import Fault
from tests.chaos import sample
from tests.chaos.broken_pinboards import BROKEN
from tests.chaos.flows import AgentMessage, Mention
from tests.chaos.pinboard_scene import PinboardScene
from tests.chaos.scene import Arm
from tests.chaos.seeded import APART
from tests.chaos.showing import Shown, missed, played
from tests.chaos.verdict import Verdict

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


class AnswerLost(AgentMessage):
    """The board's answer to one pin is lost on its way."""

    scene: PinboardScene

    async def opened(self) -> None:
        await super().opened()
        self.scene.board.faults.append(Fault.LOST_ANSWER)


_BEFORE_ACCEPT = (Mention, Arm("point", "before-accept"))
_AFTER_ACCEPT = (Mention, Arm("point", "after-accept"))
_PIN_LOST = (Mention, Arm("adapter", "a pin on its way", 2))
_PIN_UNANSWERED = (Mention, Arm("adapter", "a pin done, not answered", 2))
_ANSWER_LOST = (AnswerLost, Arm("point", "after-settle", 4))
_HUNG = (Mention, Arm("hung", "a pin done, not answered"))

#: By fault: where it shows, and the fields of the verdict that say so, any of them.
SHOWN: dict[str, tuple[Shown, str]] = {
    "remembers_too_soon": (_BEFORE_ACCEPT, "lost"),
    "accepts_later": ((Mention, Arm("both", "news on its way", 2)), "lost"),
    "names_anew": (_AFTER_ACCEPT, "doubled"),
    "never_finds": (_PIN_UNANSWERED, "doubled"),
    "always_finds": (_PIN_LOST, "lost"),
    "tries_again": (_ANSWER_LOST, "doubled"),
    "answers_too_soon": (_PIN_LOST, "lost"),
    "a_call_whose_process_ended_is_taken_for_undone": (_PIN_UNANSWERED, "doubled"),
    "what_is_in_doubt_is_not_looked_for": (_PIN_UNANSWERED, "doubled"),
    "what_hangs_is_left_alone": (_HUNG, "lost"),
}


def test_each_fault_has_a_death_that_shows_it() -> None:
    assert set(SHOWN) == {*BROKEN, *APART}


async def test_neither_these_deaths_nor_these_plug_ins_cost_anything_alone(tmp_path: Path) -> None:
    site = sample.installed(tmp_path)
    sample.with_broken(site)
    sound = [("", shown) for shown in dict.fromkeys(shown for shown, _ in SHOWN.values())]
    living = [(fault, (Mention, None)) for fault in BROKEN]
    outcomes = await played([*sound, *living], tmp_path, door="pinboard", sample=site)

    assert [outcome.problem for outcome in outcomes if outcome.problem] == []
    assert all(outcome.verdict == Verdict() for outcome in outcomes)


async def test_every_fault_is_caught(tmp_path: Path) -> None:
    site = sample.installed(tmp_path)
    sample.with_broken(site)

    assert await missed(SHOWN, tmp_path, door="pinboard", sample=site) == {}
