"""What goes out, and in: every character of it, and all of it."""

from bridge.model.inbound import Said
from bridge.plugin import Grade
from bridge.testing.conformance.patience import eventually
from bridge.testing.conformance.people import Talk
from bridge.testing.conformance.rule import rule
from bridge.testing.conformance.stage import Stage
from bridge.testing.conformance.verdicts import Broken, Level
from bridge.testing.stand_in import Seen

#: Beyond the basic plane, joined, from right to left, combined, and what some platforms obey.
_LETTERS = "naïve e\u0301 日本語 👩\u200d👩\u200d👧 🧪 𐐷 שלום مرحبا \u200f½"
_MARKS = "a < b & c > d @everyone @here <!channel> <@U1> #1 100% {x} \\ /end"
#: Only for who shows plain text: for others these are PolyAI's markup.
_MARKUP = "*stars* _under_ ~struck~ `code` <b>bold</b> &amp; [a](b)"


#: So much a person may write on any platform, if the bot may.
_HEARD = 1000


@rule(Level.BRONZE)
async def unicode(stage: Stage) -> None:
    """Every character arrives as it was written, in both directions; none is obeyed."""
    await stage.connect()
    talk = await stage.talk()
    await _inwards(stage, talk, f"{_LETTERS} {_MARKS} {_MARKUP}")
    await _lines(stage, talk)
    plain = stage.capabilities.formatting <= Grade.NONE
    await _outwards(stage, talk, f"{_LETTERS} {_MARKS}{f' {_MARKUP}' if plain else ''}")
    await _lines_out(stage, talk)


async def _inwards(stage: Stage, talk: Talk, text: str) -> None:
    word = stage.word()
    await stage.say(f"{word} {text}", thread=talk.thread)
    body = (await stage.heard(word)).body
    said = body.text if isinstance(body, Said) else ""
    if said.strip() != f"{word} {text}":
        raise Broken(
            "what a person wrote is what the agent is told",
            seen=_difference(f"{word} {text}", said),
            remedy="undo what the platform does to special characters, and nothing else",
        )


async def _lines(stage: Stage, talk: Talk) -> None:
    """Several lines are one message; or several, where a line is all that can be said at once."""
    word = stage.word()
    text = f"{word} first\n{word} second\n\n{word} last"
    await stage.say(text, thread=talk.thread)

    async def look() -> str | None:
        told = _told(stage, word)
        return told if "last" in told else None

    told = await eventually(look, stage.patience.event, stage.patience) or _told(stage, word)
    pieces = len(stage.brought(word))
    expected = text if pieces == 1 else text.replace("\n\n", "\n")
    if told.strip() != expected:
        raise Broken(
            "every line that a person wrote is told, in its order",
            seen=_difference(expected, told),
            remedy="keep the breaks between lines",
        )


def _told(stage: Stage, word: str) -> str:
    bodies = (each.body for each in stage.intake.stored)
    return "\n".join(body.text for body in bodies if isinstance(body, Said) and word in body.text)


async def _outwards(stage: Stage, talk: Talk, text: str) -> None:
    word = stage.word()
    await stage.deliver(stage.outbound(talk.key, f"{word} {text}"))
    shown = (await stage.shown(talk.thread, word)).text
    if not _contains(stage, shown, f"{word} {text}"):
        raise Broken(
            "people read what was to be delivered, as it is",
            seen=_difference(_folded(f"{word} {text}"), _folded(shown)),
            remedy="escape what the platform would take for markup or for a mention",
        )


async def _lines_out(stage: Stage, talk: Talk) -> None:
    """Several lines are one message; or one each, where a line is all that can be shown at once."""
    word = stage.word()
    text = f"{word} first line\n\n{word} second line\n\n{word} last line"
    await stage.deliver(stage.outbound(talk.key, text))

    async def look() -> list[Seen] | None:
        there = await stage.seen(talk.thread, word)
        return there if there and "last line" in there[-1].text else None

    there = await eventually(look, stage.patience.event, stage.patience)
    shown = [each.text for each in there or await stage.seen(talk.thread, word)]
    _line_by_line(stage, text, shown) if len(shown) > 1 else _whole(stage, text, "".join(shown))


def _whole(stage: Stage, text: str, shown: str) -> None:
    if not _contains(stage, shown, text):
        raise Broken(
            "people read every line of what was to be delivered, with the breaks between them",
            seen=_difference(text, shown),
            remedy="keep the breaks; where a message is one line, post each line as one",
        )


def _line_by_line(stage: Stage, text: str, shown: list[str]) -> None:
    if stage.capabilities.edits > Grade.NONE:
        raise Broken(
            "what can be changed afterwards stands in one message",
            seen=f"its lines are {len(shown)} messages, and one receipt stands for one of them",
            remedy="post it as one message, or claim no `edits`",
        )
    if shown != text.split("\n\n"):
        raise Broken(
            "where each line is a message of its own, people read every line, once and in order",
            seen=_difference(text.replace("\n\n", "\n"), "\n".join(shown)),
            remedy="post the lines one after the other, those without a word left out",
        )


def _contains(stage: Stage, shown: str, text: str) -> bool:
    """Whether all of the text is shown; who lays it out may break lines elsewhere."""
    if stage.capabilities.formatting > Grade.NONE:
        return _folded(text) in _folded(shown)
    return text in shown


def _folded(text: str) -> str:
    return " ".join(text.split())


def _difference(expected: str, seen: str) -> str:
    """Where they part, in characters that can be told from each other."""
    at = next((n for n, (a, b) in enumerate(zip(expected, seen, strict=False)) if a != b), -1)
    if at < 0:
        at = min(len(expected), len(seen))
    return f"{seen[at : at + 12]!a} where {expected[at : at + 12]!a} was, at character {at}"


@rule(Level.BRONZE)
async def length(stage: Stage) -> None:
    """A text of exactly `text_limit` characters arrives whole, in one message."""
    limit = stage.capabilities.text_limit
    await stage.connect()
    talk = await stage.talk()
    for filling in ("word ", "🧪👩 "):
        word = stage.word()
        text = _filled(word, filling, limit, stage.word())
        await stage.deliver(stage.outbound(talk.key, text))
        shown = await stage.shown(talk.thread, word)
        if not _contains(stage, shown.text, text):
            raise Broken(
                f"{limit} characters arrive whole in one message, be they {filling.strip()!a}",
                seen=f"{len(shown.text)} characters, the last of them {shown.text[-12:]!a}",
                remedy="claim a `text_limit` that fits however wide the characters are; "
                "the bridge makes parts of longer texts",
            )
        await _inwards(stage, talk, _filled("and", filling, min(limit, _HEARD), stage.word()))


def _filled(word: str, filling: str, size: int, last: str) -> str:
    """A text of that size which begins and ends with words of its own."""
    space = size - len(word) - len(last) - 2
    middle = (filling * (space // len(filling) + 1))[: max(0, space)]
    return f"{word} {middle.rstrip().ljust(max(0, space), '.')} {last}"
