"""How does one talk to the agent? The few sentences that a command and the Home tab tell."""

from adapters.slack.reading.words import Words
from bridge.model.messages import Control

_EFFECTS = {
    Control.STATUS: "tells what is going on",
    Control.PERSON: "asks for a person",
    Control.END: "ends the conversation",
    Control.START: "begins a new one",
}


def how_to(bot: str, words: Words, command: str) -> str:
    """How one begins, and how one steers what was begun; `command` is empty if there is none."""
    begin = f"Mention <@{bot}> in a channel, or write to it directly. It answers in the thread of "
    told = [f"{begin}your message; from then on just write in that thread."]
    steering = [f"• <@{bot}> `{word}` {effect}" for word, effect in _steering(words)]
    if steering:
        told += ["In a thread, a mention and one of these words, nothing else:", *steering]
    if command:
        told.append(f"`{command}` lists your conversations, `{command} end` ends the only one.")
    return "\n".join(told)


def _steering(words: Words) -> list[tuple[str, str]]:
    """The first configured word for each effect; what is switched off is not told."""
    firsts: dict[Control, str] = {}
    for word, control in words.items():
        firsts.setdefault(control, word)
    return [(firsts[control], effect) for control, effect in _EFFECTS.items() if control in firsts]
