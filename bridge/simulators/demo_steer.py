"""What is played of steering? Controls, a handoff with its queue, the end, and beginning again."""

import json
from functools import partial

from bridge.simulators.demo_play import Play
from bridge.simulators.demo_steps import NotSeen
from bridge.simulators.demo_view import buttons
from bridge.simulators.slack_workspace import SimulatedMessage

#: The callback id of the adapter's message shortcut, as docs/slack-manifest.json has it.
SHORTCUT = "polyai_conversation"
_PERSON_WORDS = "I would like to talk to a person."
_CONTROLS = ["Talk to a person", "Start again", "End the conversation"]


async def controls(play: Play) -> None:
    """How things stand: by a word, by a shortcut, by the command, in the Home tab."""
    play.steps.scene("What is going on? By a word, the shortcut, /agent and the Home tab")
    slack, check = play.stage.slack, play.steps.check
    before = len(play.told("A"))
    await play.steer(play.ann, "A", play.call("status"))
    shown = await play.see_alone(
        "Ann alone is told how things stand", play.ann, "You have been talking"
    )
    check("with buttons for the rest", buttons(shown) == _CONTROLS)
    used = await slack.use_shortcut(*play.ours["A"], play.ben, SHORTCUT)
    check("Ben chooses the shortcut in a message's menu", used.acked)
    await play.see_alone("he alone is told", play.ben, "You have been talking")
    listed = await slack.command(play.channel, play.ben, "/agent")
    check("/agent is answered at once", listed.acked and bool(listed.response))
    await play.see_alone("it lists Ben's conversations, for him alone", play.ben, "3")
    await slack.open_home(play.ben)
    await play.steps.see("so does his Home tab", lambda: _home(play, "Your open conversations: 3"))
    quiet = len(play.told("A")) == before and play.heard() == play.said["A"]
    check("the thread and the agent saw nothing of it", quiet)


def _home(play: Play, words: str) -> bool:
    return words in json.dumps(play.stage.slack.home(play.ben))


async def home(play: Play) -> None:
    """Ben ends a conversation without looking for its thread."""
    play.steps.scene("Ben ends a conversation from his Home tab")
    pressed = await play.stage.slack.press_home(play.ben, text="End the conversation")
    play.steps.check("he presses a button there and says yes", pressed.acked)
    await play.steps.see("the thread says that it has ended", lambda: play.find("C", "was ended"))
    await play.steps.see("the list is shorter", lambda: _home(play, "Your open conversations: 2"))


async def handoff(play: Play) -> None:
    """PolyAI hands over, step by step; each is seen before the next."""
    play.steps.scene("Ann asks for a person")
    await play.steer(play.ann, "A", play.call("talk to a person"))
    play.said["A"].append(_PERSON_WORDS)
    await play.steps.see(
        "by two words and a mention: the agent is asked for one",
        lambda: play.heard() == play.said["A"],
    )
    await play.steps.wait("the agent agrees", lambda: play.find("A", "find a person"))
    _next(play, "triggered", "agent_left", "accepted")
    waiting = await play.steps.see("she waits in a queue", lambda: play.find("A", "Connecting you"))
    play.steps.check("and may give up waiting", buttons(waiting) == ["Cancel waiting"])
    for position in (3, 2, 1):
        _next(play, ("queue", {"position_in_queue": position}))
        place = f"You are number {position} in the queue."
        await play.steps.wait(place, partial(play.find, "A", place))
    _next(play, "live_joined")
    await play.steps.see("Sam joins", lambda: play.find("A", "Sam has joined"))
    await _queue_is_over(play, waiting)
    await _sam_speaks(play)


async def _queue_is_over(play: Play, waiting: SimulatedMessage) -> None:
    over = await play.steps.see(
        "the wait is over, and so is its button", lambda: play.find("A", "is over")
    )
    changes = sum(m.ts == waiting.ts for m in play.stage.slack.updates)
    play.steps.check(
        f"her place in the queue was one message, changed in place {changes} times",
        over.ts == waiting.ts and changes > 3 and not buttons(over),
    )


async def _sam_speaks(play: Play) -> None:
    slack = play.stage.slack
    _next(play, "typing")
    await play.steps.see(
        "the thread's status says that Sam is typing",
        lambda: "Sam is typing" in slack.status(*play.ours["A"]),
    )
    _next(play, ("live_says", {"text": "Hi, this is Sam. What can I do for you?"}))
    _next(play, "typing_stopped")
    hello = await play.steps.see("Sam speaks", lambda: play.find("A", "this is Sam"))
    play.steps.check("under Sam's own name", hello.username == "Sam")


def _next(play: Play, *happens: str | tuple[str, dict[str, object]]) -> None:
    play.stage.polyai.hand_off(play.sessions[0].id, happens)


async def end(play: Play) -> None:
    """An end, an old button, and another beginning."""
    play.steps.scene("The conversation ends, an old button is pressed, another begins")
    see, check = play.steps.see, play.steps.check
    await play.reply(play.ann, "A", "That is all, thank you!")
    await see("Sam says goodbye", lambda: play.find("A", "Take care!"))
    ended = await see("the end is said", lambda: play.find("A", "has ended"))
    check("with a button to start again", buttons(ended) == ["Start again"])
    await _press_an_old_button(play)
    check("Ann starts again", await play.click(ended, "Start again", play.ann))
    await see("a new session begins", lambda: len(play.sessions) == 4)
    await see("with its own greeting", lambda: play.count("A", "I am Ava") == 2)
    await see("the button is gone", lambda: not _offers_a_start(play))
    await play.steer(play.ann, "A", play.call("stop"))
    await see("a word ends this one, too", lambda: play.find("A", "was ended, as asked"))


def _offers_a_start(play: Play) -> bool:
    ended = play.find("A", "has ended")
    return ended is None or bool(buttons(ended))


async def _press_an_old_button(play: Play) -> None:
    """The one that Ann alone was shown when the conversation was open."""
    old = next((m for m in play.stage.slack.ephemerals if m.user == play.ann and buttons(m)), None)
    if old is None:
        raise NotSeen("a button that Ann alone was shown")
    before = len(play.told("A"))
    check = play.steps.check
    check("Ann presses an old button", await play.click(old, "End the conversation", play.ann))
    await play.see_alone("she alone is told, politely", play.ann, "no conversation to end")
    check("nothing else comes of it", len(play.told("A")) == before)


async def account(play: Play) -> None:
    """After the end nothing can come late: now the records must agree."""
    play.steps.scene("The bridge stops, and the records are compared")
    bridge, slack, check = play.stage.bridge, play.stage.slack, play.steps.check
    check("SIGTERM: it drained and ended with exit code 0", await bridge.stop() == 0)
    sessions = zip(("A", "B", "C"), range(3), strict=True)
    heard = all(play.heard(number) == play.said[name] for name, number in sessions)
    check("the agent heard every line once, in order", heard and not play.heard(3))
    replies = play.replies()
    shown = sum(message.blocks[0]["type"] != "context" for message in slack.posts)
    check(f"the threads show each of the agent's {replies} messages once", shown == replies)
    check("PolyAI was told nothing that it forbids", not play.stage.polyai.violations)
    check("Slack was never called too often", not slack.excesses)
