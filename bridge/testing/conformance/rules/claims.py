"""What it claims to show: methods and grades agree, and whatever is claimed is seen."""

import msgspec

from bridge.model.delivery import Outbound, Receipt, retired
from bridge.model.inbound import Clicked
from bridge.model.messages import (
    AgentReply,
    Attachment,
    AttachmentKind,
    Author,
    AuthorKind,
    CallAction,
    Suggestion,
)
from bridge.plugin import Grade, Grower, Reviser, Signal, SignalKind, Signaller
from bridge.testing.conformance.patience import eventually
from bridge.testing.conformance.people import Talk
from bridge.testing.conformance.rule import rule
from bridge.testing.conformance.stage import AGENT, Stage, told
from bridge.testing.conformance.verdicts import Broken, Inapplicable, Level
from bridge.testing.stand_in import Pressing, Seen

_PICTURE = "https://pictures.example/one.png"
_LINK = "https://pages.example/two"
_NUMBER = "+44 20 7946 0000"


@rule(Level.GOLD)
async def claims_agree(stage: Stage) -> None:
    """What it claims and what it can do agree: grades, methods and limits."""
    claims = stage.capabilities
    if claims.text_limit < 64:
        raise Broken(
            "`text_limit` is at least 64",
            seen=f"{claims.text_limit}",
            remedy="post longer texts as one message; the bridge makes no smaller parts",
        )
    _agree(
        "suggestions above NONE, `suggestion_limit` above 0",
        claimed=claims.suggestions > Grade.NONE,
        able=claims.suggestion_limit > 0,
    )
    adapter = await stage.connect()
    pairs = (
        ("edits above NONE, a `Reviser`", claims.edits > Grade.NONE, isinstance(adapter, Reviser)),
        (
            "streaming above NONE, a `Grower` that is a `Reviser` too",
            claims.streaming > Grade.NONE,
            isinstance(adapter, Grower) and isinstance(adapter, Reviser),
        ),
        (
            "signals above DROPPED, a `Signaller`",
            claims.signals > Grade.DROPPED,
            isinstance(adapter, Signaller),
        ),
    )
    for what, claimed, able in pairs:
        # Streams can be switched off by the settings: the method stays.
        if claimed != able and not (able and claims != stage.subject.plugin.capabilities):
            _agree(what, claimed=claimed, able=able)


def _agree(what: str, *, claimed: bool, able: bool) -> None:
    if claimed != able:
        raise Broken(
            f"both or neither: {what}",
            seen="it claims what it cannot do" if claimed else "it can do what it does not claim",
            remedy="claim it in `Capabilities`, or take the method away",
        )


@rule(Level.GOLD)
async def declared_is_proven(stage: Stage) -> None:
    """Formatting, pictures, links, authors and signs of life are seen if they are claimed."""
    claims = stage.capabilities
    adapter = await stage.connect()
    talk = await stage.talk()
    if claims.formatting > Grade.NONE:
        _formatted(await _posted(stage, talk, "some **strong** and <b>bold</b> words"))
    if claims.pictures > Grade.NONE:
        await _pictured(stage, talk)
    if claims.attachments > Grade.NONE:
        await _attached(stage, talk)
    if claims.authorship > Grade.NONE:
        await _authored(stage, talk)
    if claims.signals > Grade.DROPPED and isinstance(adapter, Signaller):
        await _signalled(stage, talk, adapter)


async def _posted(stage: Stage, talk: Talk, text: str) -> Seen:
    return (await stage.post(talk, text))[2]


async def _shown(stage: Stage, talk: Talk, content: AgentReply) -> Seen:
    word = stage.word()
    reply = msgspec.structs.replace(content, text=f"{word} {content.text}".strip())
    await stage.deliver(stage.outbound(talk.key, reply))
    return await stage.shown(talk.thread, word)


def _formatted(seen: Seen) -> None:
    if "strong" not in seen.text or "**" in seen.text or "<b>" in seen.text:
        raise Broken(
            "where formatting is claimed, its marks are not read as text",
            seen=f"{seen.text!a}",
            remedy="turn PolyAI's Markdown and HTML into the platform's own, or claim NONE",
        )


async def _pictured(stage: Stage, talk: Talk) -> None:
    picture = Attachment(AttachmentKind.IMAGE, _PICTURE, "A picture")
    seen = await _shown(stage, talk, AgentReply(AGENT, "look", attachments=(picture,)))
    if _PICTURE not in seen.pictures:
        raise Broken(
            "where pictures are claimed, a picture is shown",
            seen=f"pictures: {seen.pictures}",
            remedy="show it from its address, or claim NONE and get a link",
        )


async def _attached(stage: Stage, talk: Talk) -> None:
    link = Attachment(AttachmentKind.LINK, _LINK, "A page")
    number = CallAction("Call us", _NUMBER)
    content = AgentReply(AGENT, "see", attachments=(link,), call_actions=(number,))
    seen = await _shown(stage, talk, content)
    everything = " ".join((seen.text, *seen.suggestions, *seen.pictures))
    for ways in ((_LINK, "A page"), (_NUMBER, "Call us")):
        if not any(way in everything for way in ways):
            raise Broken(
                "where attachments are claimed, links and telephone numbers are shown",
                seen=f"neither of {ways} stands there",
                remedy="show what is beside the text, or claim NONE and get lines of text",
            )


async def _authored(stage: Stage, talk: Talk) -> None:
    name = f"Anna {stage.word()[:6]}"
    seen = await _shown(stage, talk, AgentReply(Author(AuthorKind.LIVE_AGENT, name), "hello"))
    if name not in seen.author and name not in seen.text:
        raise Broken(
            "where authorship is claimed, people see who speaks",
            seen=f"the author is {seen.author!a}",
            remedy="show the author's name, or claim NONE and get it before the text",
        )


async def _signalled(stage: Stage, talk: Talk, adapter: Signaller) -> None:
    before = [each.id for each in await stage.seen(talk.thread)]
    for kind in (SignalKind.THINKING, SignalKind.TYPING, SignalKind.CLEAR):
        try:
            await stage.bounded(adapter.signal(talk.key, Signal(kind, "Anna")), "signal")
        except Broken:
            raise
        except Exception as error:
            raise Broken(
                "signs of life are shown where they are claimed",
                seen=f"`signal` raised {told(error)} for {kind}",
                remedy="leave out what the platform has no sign for, without an error",
            ) from error
    if [each.id for each in await stage.seen(talk.thread)] != before:
        raise Broken(
            "a sign of life is no message",
            seen="there are others in the thread than before",
            remedy="use the platform's passing signs, or claim DROPPED",
        )


@rule(Level.GOLD)
async def suggestions(stage: Stage) -> None:
    """As many suggestions as it claims are shown, and pressing one says which of which message."""
    if stage.capabilities.suggestions <= Grade.NONE:
        raise Inapplicable("it claims no suggestions: the bridge numbers them in the text")
    pressing = stage.able(Pressing, "cannot press anything")  # type: ignore[type-abstract]
    await stage.connect()
    talk = await stage.talk()
    outbound, _, seen = await _offered(stage, talk, stage.capabilities.suggestion_limit)
    last = len(seen.suggestions) - 1
    for index in dict.fromkeys((last, 0)):
        await pressing.press(seen, index)
        await _clicked(stage, outbound, index)


async def _offered(stage: Stage, talk: Talk, number: int) -> tuple[Outbound, Receipt, Seen]:
    word = stage.word()
    offers = tuple(Suggestion(f"Choice {n}") for n in range(1, number + 1))
    outbound = stage.outbound(talk.key, AgentReply(AGENT, word, suggestions=offers))
    receipt = await stage.deliver(outbound)
    seen = await stage.shown(talk.thread, word)
    if seen.suggestions != tuple(each.text for each in offers):
        raise Broken(
            f"all of {number} suggestions can be pressed, in their order",
            seen=f"{len(seen.suggestions)} can: {seen.suggestions[:3]}…",
            remedy="claim a `suggestion_limit` that can be shown",
        )
    return outbound, receipt, seen


async def _clicked(stage: Stage, outbound: Outbound, index: int) -> None:
    async def look() -> Clicked | None:
        bodies = (each.body for each in stage.intake.stored)
        mine = (body for body in bodies if isinstance(body, Clicked))
        return next((body for body in mine if body.index == index), None)

    clicked = await eventually(look, stage.patience.event, stage.patience)
    if clicked is None or clicked.delivery != outbound.id:
        raise Broken(
            "pressing a suggestion is brought as `Clicked`, with the delivery and its place in it",
            seen=f"{clicked}" if clicked else f"none of place {index} was brought",
            remedy="give each button the id of the delivery and the place of the suggestion",
        )


@rule(Level.GOLD)
async def revise_twice(stage: Stage) -> None:
    """A message can be changed where it stands, and changing it twice equals changing it once."""
    if stage.capabilities.edits <= Grade.NONE:
        raise Inapplicable("it claims no edits: the bridge tells anew")
    adapter = await stage.connect()
    if not isinstance(adapter, Reviser):
        raise Inapplicable("it is no `Reviser`, which another rule tells")
    talk = await stage.talk()
    outbound, receipt, seen = await _to_be_changed(stage, talk)
    count = len(await stage.seen(talk.thread))
    word = stage.word()
    content = msgspec.structs.replace(retired(outbound.content, None), text=word)
    changed = msgspec.structs.replace(outbound, content=content)
    first = await _revised(stage, adapter, changed, receipt, talk)
    if first.id != seen.id or first.suggestions or word not in first.text:
        raise Broken(
            "the message itself shows the new content, without what was taken away",
            seen=f"text {first.text!a}, suggestions {first.suggestions}, "
            f"{'the same' if first.id == seen.id else 'another'} message",
            remedy="change the message at the receipt, and all of it",
        )
    second = await _revised(stage, adapter, changed, receipt, talk)
    if second != first or len(await stage.seen(talk.thread)) != count:
        raise Broken(
            "changing a message twice equals changing it once",
            seen="the thread looks different after the second time",
            remedy="make what is shown of the content alone, not of what was there before",
        )


async def _to_be_changed(stage: Stage, talk: Talk) -> tuple[Outbound, Receipt, Seen]:
    """A message, with suggestions where there can be any."""
    if stage.capabilities.suggestions > Grade.NONE:
        return await _offered(stage, talk, min(2, stage.capabilities.suggestion_limit))
    return await stage.post(talk)


async def _revised(
    stage: Stage, adapter: Reviser, changed: Outbound, receipt: Receipt, talk: Talk
) -> Seen:
    """The message with the new words, once it is changed."""
    try:
        await stage.bounded(adapter.revise(changed, receipt), "revise")
    except Broken:
        raise
    except Exception as error:
        raise Broken(
            "a message of ours can be changed",
            seen=f"`revise` raised {told(error)}",
            remedy="see why: nothing was made to go wrong",
        ) from error
    text = changed.content.text if isinstance(changed.content, AgentReply) else ""
    return await stage.shown(talk.thread, text)


@rule(Level.GOLD)
async def growing(stage: Stage) -> None:
    """An unfinished message grows where it stands, and ends as it was meant to end."""
    if stage.capabilities.streaming <= Grade.NONE:
        raise Inapplicable("it claims no streaming: answers are posted when they are whole")
    adapter = await stage.connect()
    if not (isinstance(adapter, Grower) and isinstance(adapter, Reviser)):
        raise Inapplicable("it is no `Grower`, which another rule tells")
    talk = await stage.talk()
    word = stage.word()
    begun = stage.outbound(talk.key, AgentReply(AGENT, f"{word} one", unfinished=True))
    receipt = await stage.deliver(begun)
    seen = await stage.shown(talk.thread, word)
    grown = _with_text(begun, f"{word} one two", unfinished=True)
    try:
        await stage.bounded(adapter.grow(grown, receipt), "grow")
    except Broken:
        raise
    except Exception as error:
        raise Broken(
            "an unfinished message can grow",
            seen=f"`grow` raised {told(error)}",
            remedy="see why: nothing was made to go wrong",
        ) from error
    whole = _with_text(begun, f"{word} one two three", unfinished=False)
    ended = await _revised(stage, adapter, whole, receipt, talk)
    if ended.id != seen.id or f"{word} one two three" not in ended.text:
        raise Broken(
            "the same message shows the whole text in the end",
            seen=f"{ended.text!a}",
            remedy="let `revise` end what `grow` began, with all of the content",
        )


def _with_text(outbound: Outbound, text: str, *, unfinished: bool) -> Outbound:
    content = AgentReply(AGENT, text, unfinished=unfinished)
    return msgspec.structs.replace(outbound, content=content)
