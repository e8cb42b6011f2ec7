"""What did the person write? Slack's markup as plain readable text.

Slack sends text with tokens between angle brackets and with `& < >` as entities
(docs.slack.dev/messaging/formatting-message-text). Tokens are read first, entities decoded after:
so a person who typed "<!here>" themselves, which arrives as "&lt;!here&gt;", is quoted and not
misread.
"""

import re
from functools import lru_cache

_TOKEN = re.compile(r"<([^<>]*)>")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_BARE = re.compile(r"&(?!(?:amp|lt|gt);)")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
#: Control characters, and lone halves of surrogate pairs, which no UTF-8 can hold: Unicode's
#: categories Cc and Cs, both closed for ever.
_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SCHEMES = ("http://", "https://", "mailto:", "tel:")


def plain(text: str, *, bot: str) -> str:
    """`text` as a person would read it, without the mention of our `bot` user, trimmed."""
    if "<" in text:
        text = _mention(bot).sub(_closed_gap, text)
        text = _TOKEN.sub(lambda found: _token(found[1]), text)
    if "&" in text:
        text = _ENTITY.sub(lambda found: _ENTITIES[found[1]], text)
    return printable(text).strip()


def mentions(text: str, *, bot: str) -> bool:
    """Whether `text` calls our `bot` user."""
    return "<@" in text and bool(_mention(bot).search(text))


def encoded(text: str) -> str:
    """`text` so that `plain` gives it back: no token, no entity but those that it has already.

    Slack escapes what it puts into text; whether it does so within blocks, it does not say.
    """
    return _BARE.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")


def line(text: object) -> str:
    """`text` on one line, if it is a text."""
    return " ".join(printable(text).split()) if isinstance(text, str) else ""


def printable(text: str) -> str:
    """`text` without control characters (but line breaks and tabs) and without half characters."""
    return _UNFIT.sub("", text)


@lru_cache(maxsize=1_000)  # one for each workspace
def _mention(bot: str) -> re.Pattern[str]:
    return re.compile(rf"( ?)<@{re.escape(bot)}(?:\|[^<>]*)?>( ?)")


def _closed_gap(found: re.Match[str]) -> str:
    return " " if found[1] and found[2] else ""


def _token(inside: str) -> str:
    """The readable form of what stood between angle brackets."""
    target, _, label = inside.partition("|")
    match target[:1]:
        case "@":
            return "@" + (label or target[1:]).removeprefix("@")
        case "#":
            return "#" + (label or target[1:]).removeprefix("#")
        case "!":
            return _special(target[1:], label)
        case _:
            return _link(target, label)


def _special(command: str, label: str) -> str:
    if command.startswith("date^"):
        return label or command
    if command.startswith("subteam^"):
        return "@" + (label or command.removeprefix("subteam^")).removeprefix("@")
    return "@" + (label or command).removeprefix("@")


def _link(target: str, label: str) -> str:
    bare = target
    for scheme in _SCHEMES:
        bare = bare.removeprefix(scheme)
    if not label or label == target:
        return bare if target.startswith(("mailto:", "tel:")) else target
    # Slack makes links of what people merely typed: "example.com" is then the label of itself.
    return label if label == bare else f"{label} ({bare if 'mailto:' in target else target})"
