"""What is played of talking? A greeting, buttons, layout, several people, several threads."""

import asyncio
import json
from datetime import timedelta

from bridge.simulators.demo_agent import SHELVES
from bridge.simulators.demo_play import Play
from bridge.simulators.demo_steps import NotSeen
from bridge.simulators.demo_view import buttons
from bridge.simulators.slack_workspace import SimulatedMessage

_SHOP = "Everything for your kitchen"
_PAUSE = timedelta(seconds=2)


async def start(play: Play) -> None:
    """A bridge and a socket."""
    play.steps.scene("The bridge starts")
    await play.stage.bridge.start()
    await play.steps.see("it is connected to Slack", lambda: play.stage.slack.sockets)


async def mention(play: Play) -> None:
    """Ann's thread A: a greeting, an answer, buttons."""
    play.steps.scene("Ann mentions the bot in the channel")
    await play.mention(play.ann, "A", "Where is my order?")
    see = play.steps.see
    await see("the agent's greeting is in the thread", lambda: play.find("A", "I am Ava"))
    answer = await see("so is its answer", lambda: play.find("A", "order number"))
    play.steps.check("its suggestions are buttons", buttons(answer) == ["1234", "I do not have it"])
    roots = [message.ts for message in play.stage.slack.messages(play.channel)]
    play.steps.check("the channel itself stays quiet", roots == [play.ours["A"][1]])


async def click(play: Play) -> None:
    """Two people press one button; one message comes of it."""
    play.steps.scene("Ann and Ben click the same button at once")
    offer = play.find("A", "order number")
    if offer is None:
        raise NotSeen("a message with buttons")
    acked = await play.click(offer, "1234", play.ann, play.ben)
    play.said["A"].append("1234")
    play.steps.check("Slack has an acknowledgement of both clicks", acked)
    await play.steps.see(
        "the buttons gave way to what was chosen and by whom",
        lambda: _chosen(play.find("A", "order number"), (play.ann, play.ben)),
    )
    await play.steps.wait("one message reaches the agent", lambda: "1234" in play.heard())
    play.steps.check("one message reached the agent", play.heard() == play.said["A"])
    await _the_slower_one(play)
    await play.steps.see(
        "with the answer comes a card: a link, a picture and a button",
        lambda: _has_card(play.find("A", "Order 1234")),
    )


async def _the_slower_one(play: Play) -> None:
    chose_first = _chosen(play.find("A", "order number"), (play.ann,))
    name, second = ("Ben", play.ben) if chose_first else ("Ann", play.ann)
    await play.see_alone(f"{name} was second, and alone is told so", second, "no longer open")


def _has_card(message: SimulatedMessage | None) -> bool:
    if message is None:
        return False
    pictured = any(b.get("accessory", {}).get("type") == "image" for b in message.blocks)
    return pictured and "Track it" in json.dumps(message.blocks)


def _chosen(message: SimulatedMessage | None, people: tuple[str, ...]) -> bool:
    """Whether a message says, instead of its buttons, which of the people chose."""
    if message is None or buttons(message):
        return False
    shown = [e.get("text", "") for b in message.blocks for e in b.get("elements", ())]
    return any("chosen by" in text and any(p in text for p in people) for text in shown)


async def rendering(play: Play) -> None:
    """The agent's Markdown in Slack's own form, and more suggestions than buttons are good for."""
    play.steps.scene("The agent answers with layout, and with many suggestions")
    await play.reply(play.ann, "A", "What do you sell?")
    answer = await play.steps.wait("the answer", lambda: play.find("A", _SHOP))
    text = "\n".join(b["text"]["text"] for b in answer.blocks if b["type"] == "section")
    for what, mark in _LAYOUT:
        play.steps.check(what, mark in text)
    play.steps.check("the suggestions are too many for buttons: a menu", _is_menu(answer))
    acked = await play.click(answer, "Tea towels", play.ann)
    play.said["A"].append("Tea towels")
    play.steps.check("Ann chooses in it", acked)
    await play.steps.see(
        "the menu gave way to her choice",
        lambda: _chosen(play.find("A", _SHOP), (play.ann,)),
    )
    await play.steps.see("which the agent answers", lambda: _said_back(play, "Tea towels"))


def _said_back(play: Play, words: str) -> bool:
    return any(m.text.startswith("You said") and words in m.text for m in play.told("A"))


_LAYOUT = (
    ("**bold** is bold", f"*{_SHOP}*"),
    ("a link leads there", "<https://demo.example/shop|our shop>"),
    ("a list in a list is indented", "    ◦ for bread"),
    ("a table has columns", "Large | 18.00"),
    ("code is code", "`WELCOME`"),
)


def _is_menu(message: SimulatedMessage) -> bool:
    kinds = {e["type"] for b in message.blocks for e in b.get("elements", ())}
    return "static_select" in kinds and buttons(message) == list(SHELVES)


async def people(play: Play) -> None:
    """The agent is told who speaks, and what somebody changed."""
    play.steps.scene("Ben writes in Ann's thread, and changes his words")
    steps = play.steps
    ts = await play.reply(play.ben, "A", "Is it gift-wrapped?")
    await steps.see(
        "the agent is told who speaks", lambda: "Ben: Is it gift-wrapped?" in play.heard_as()
    )
    await steps.see("and answers", lambda: play.find("A", "Is it gift-wrapped?"))
    await play.stage.slack.edit(play.channel, ts, "Is it wrapped as a present?")
    play.said["A"].append("Correction: Is it wrapped as a present?")
    await steps.see("the agent is told the correction", lambda: play.heard() == play.said["A"])
    await steps.wait("an answer", lambda: play.find("A", "wrapped as a present?"))


async def second_thread(play: Play) -> None:
    """A thread of Ben's own, while Slack asks for a pause."""
    play.steps.scene("Ben opens a thread of his own, and Slack asks for a pause (429)")
    play.stage.slack.rate_limit("chat.postMessage", after=_PAUSE)
    await asyncio.gather(
        play.mention(play.ben, "C", "What are your opening hours?"),
        play.reply(play.ann, "A", "Do you have it in blue?"),
    )
    see = play.steps.see
    await see("Ben has his answer", lambda: play.find("C", "Monday to Friday"))
    await see("Ann has hers", lambda: play.find("A", "Do you have it in blue?"))
    apart = play.heard(0) == play.said["A"] and play.heard(2) == play.said["C"]
    play.steps.check("each thread has a session of its own, and nothing is mixed", apart)
    play.steps.check("the pause was kept, and what was refused came once", _paused(play))


def _paused(play: Play) -> bool:
    """Whether nothing was posted between the refusal and the end of the pause."""
    posts = [call for call in play.stage.slack.calls if call.method == "chat.postMessage"]
    refused = [call.at for call in posts if call.outcome == "rate_limited"]
    early = [c for c in posts if refused and refused[0] < c.at < refused[0] + _PAUSE]
    return len(refused) == 1 and not early
