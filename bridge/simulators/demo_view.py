"""What does a person see of a Slack message? Its lines for a terminal: name, text, [buttons].

Pure. Text is unescaped and its control characters are left out: what the agent says must not
steer the terminal.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from bridge.simulators.slack_workspace import SimulatedMessage

Json = dict[str, Any]
#: How a button is written.
Label = Callable[[SimulatedMessage, Json], str]

_MARKED = re.compile(r"<([^<>]+)>")
_OURS = ".slack.com/archives/"  # a way to another message; its address is long
_INDENT = "    "


def plain_label(_message: SimulatedMessage, button: Json) -> str:
    """A button as its words in brackets; an arrow if it leads to an address."""
    return f"[{button['text']['text']}{' ↗' if 'url' in button else ''}]"


def lines(
    message: SimulatedMessage, names: Mapping[str, str], label: Label = plain_label
) -> list[str]:
    """The lines of a message; `names` are those of people, the app and channels, by id."""
    author = message.username or names.get(message.user or "", "somebody")
    if message.deleted:
        return [f"{author}: (deleted)"]
    text = "\n".join(_body(message, label))
    first, *rest = _readable(text, names).splitlines() or [""]
    return [f"{author}: {first}", *((_INDENT + line).rstrip() for line in rest)]


def buttons(message: SimulatedMessage) -> list[str]:
    """The words of what can be pressed, in order; what opens an address is left out."""
    return [str(element["text"]["text"]) for element in pressable(message)]


def pressable(message: SimulatedMessage) -> list[Json]:
    """The buttons that answer, and the lines of menus, in order: each with `text`, `action_id`."""
    rows = ((*block.get("elements", ()), block.get("accessory") or {}) for block in message.blocks)
    elements = chain.from_iterable(rows)
    return list(chain.from_iterable(_choices(element) for element in elements))


def _choices(element: Json) -> list[Json]:
    match element.get("type"):
        case "button" if "url" not in element:
            return [element]
        case "static_select":
            shared = {"type": "static_select", "action_id": element["action_id"]}
            return [{**shared, "text": option["text"]} for option in element["options"]]
    return []


def _body(message: SimulatedMessage, label: Label) -> Iterator[str]:
    if not message.blocks or message.blocks[0]["type"] == "rich_text":
        yield message.text
        return
    for block in message.blocks:
        yield from _block(message, block, label)


def _block(message: SimulatedMessage, block: Json, label: Label) -> Iterator[str]:
    match block["type"]:
        case "section":
            told = [block["text"]] if "text" in block else []
            words = "\n".join(part["text"] for part in (*told, *block.get("fields", ())))
            beside = block.get("accessory")
            yield f"{words} {_element(message, beside, label)}" if beside else words
        case "context" | "actions":
            yield " ".join(_element(message, element, label) for element in block["elements"])
        case "image":
            yield _picture(block)
        case "header":
            yield block["text"]["text"]
        case "markdown":
            yield block["text"]
        case "divider":
            yield "───"
        case other:
            yield f"({other})"


def _element(message: SimulatedMessage, element: Json, label: Label) -> str:
    match element["type"]:
        case "button":
            return label(message, element)
        case "static_select":
            lines = " ".join(label(message, choice) for choice in _choices(element))
            return f"{element['placeholder']['text']} ▾ {lines}"
        case "image":
            return _picture(element)
        case "mrkdwn" | "plain_text":
            return str(element["text"])
        case other:
            return f"({other})"


def _picture(image: Json) -> str:
    return f"(picture: {image['alt_text']})"


def _readable(text: str, names: Mapping[str, str]) -> str:
    """Slack's wire form as it is shown: mentions by name, links as `words (address)`."""
    shown = _MARKED.sub(lambda found: _meant(found[1], names), text)
    for escaped, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        shown = shown.replace(escaped, character)
    return "".join(c for c in shown if c.isprintable() or c == "\n")


def _meant(marked: str, names: Mapping[str, str]) -> str:
    target, _, words = marked.partition("|")
    match target[0]:
        case "@":
            return f"@{words or names.get(target[1:], target[1:])}"
        case "#":
            return f"#{words or names.get(target[1:], target[1:])}"
        case "!" if target.startswith("!date^"):
            return words
        case "!":
            return f"@{words or target[1:].removeprefix('subteam^')}"
    if words and _OURS in target:
        return f"{words} ↗"
    return f"{words} ({target})" if words else target
