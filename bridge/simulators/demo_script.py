"""What is played when nobody types? Whole conversations, each step checked as it is shown."""

from collections.abc import Awaitable, Callable

from bridge.simulators import demo_growth, demo_steer, demo_talk
from bridge.simulators.demo_play import Play
from bridge.simulators.demo_screen import Screen
from bridge.simulators.demo_stage import Stage
from bridge.simulators.demo_steps import Steps


async def perform(stage: Stage, screen: Screen, steps: Steps) -> None:
    """Play it all.

    Raises:
        NotSeen: a step was not seen.
    """
    slack, stage.agent.prompted = stage.slack, True
    channel, ann, ben = slack.add_channel("help"), slack.add_user("Ann"), slack.add_user("Ben")
    play = Play(stage, steps, channel, ann, ben)
    screen.write("A real bridge between a simulated Slack workspace and a simulated PolyAI agent.")
    screen.write("What people see in Slack: A│ is a message in thread A, A✎ the same one, changed.")
    for scene in _SCENES:
        await scene(play)
    screen.write("\nEvery step was seen.")


_SCENES: tuple[Callable[[Play], Awaitable[None]], ...] = (
    demo_talk.start,
    demo_talk.mention,
    demo_talk.click,
    demo_talk.rendering,
    demo_growth.streams,
    demo_talk.people,
    demo_talk.second_thread,
    demo_steer.controls,
    demo_steer.home,
    demo_steer.handoff,
    demo_steer.end,
    demo_steer.account,
)
