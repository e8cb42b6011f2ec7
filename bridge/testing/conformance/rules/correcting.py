"""What people change or take back: named as what it was."""

from typing import TypeVar

from bridge.model.inbound import Deleted, Edited, Inbound
from bridge.testing.conformance.patience import eventually
from bridge.testing.conformance.rule import rule
from bridge.testing.conformance.stage import Stage
from bridge.testing.conformance.verdicts import Broken, Inapplicable, Level
from bridge.testing.stand_in import Correcting

_Correction = TypeVar("_Correction", Edited, Deleted)


@rule(Level.GOLD)
async def corrections(stage: Stage) -> None:
    """What people change or take back names the identity of what they said."""
    if not isinstance(stage.stand_in, Correcting):
        raise Inapplicable("nobody can change on this platform what they said")
    await stage.connect()
    talk = await stage.talk()
    word, better = stage.word(), stage.word()
    uttered = await stage.say(word, thread=talk.thread)
    said = await stage.heard(word)
    await stage.stand_in.correct(uttered, f"{word} {better}")
    edited = await _corrected(stage, Edited, "changed")
    if better not in edited.text:
        raise Broken(
            "what was changed is brought as it reads now",
            seen="its new words are not in `Edited.text`",
            remedy="take the words from the change, not from what was changed",
        )
    _names(edited.original, said)
    await stage.stand_in.take_back(uttered)
    _names((await _corrected(stage, Deleted, "taken back")).original, said)


async def _corrected(stage: Stage, kind: type[_Correction], what: str) -> _Correction:
    async def look() -> _Correction | None:
        bodies = [each.body for each in stage.intake.stored]
        return next((body for body in bodies if isinstance(body, kind)), None)

    found = await eventually(look, stage.patience.event, stage.patience)
    if found is None:
        raise Broken(
            f"what is {what} is brought as `{kind.__name__}`",
            seen=f"it was not within {stage.patience.event:g} s, or as something known already",
            remedy="bring it under an identity of its own",
        )
    return found


def _names(original: str, said: Inbound) -> None:
    if original not in said.identities:
        raise Broken(
            "`original` is an identity of what was said",
            seen=f"{original!r}, while that has {said.identities}",
            remedy="name the original as it was named when it was said",
        )
