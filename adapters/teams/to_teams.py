"""How does Teams show it? A delivery becomes one activity. Pure.

Words alone are a text. As soon as there is more, all of it is one card: Teams makes two messages
of a text with a card beside it, and Microsoft's emulator shows that it does.
"""

from typing import Any

from microsoft_agents.activity import Activity, ActivityTypes
from microsoft_agents.activity import Attachment as TeamsAttachment

from adapters.teams import cards
from adapters.teams.markdown import written
from bridge.model.delivery import Outbound
from bridge.model.messages import AgentReply, Notice
from bridge.plugin import notice_text

#: The longest words of one delivery, code points.
TEXT = 3000
#: The largest activity: Teams refuses more than about 100 KB of UTF-16 and advises 80
#: (learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages).
ACTIVITY = 80_000

#: What the frame of a card needs, bytes.
_FRAME = 2_000


def shown(outbound: Outbound, *, card: bool = False) -> dict[str, Any]:
    """The activity that shows `outbound`, ready for JSON; a card if it was one before."""
    content = outbound.content
    if isinstance(content, AgentReply):
        body, text, kind = _reply(content, outbound), written(content.text), "markdown"
    else:
        body = _notice(content, outbound)
        text, kind = body[0]["inlines"][0]["text"], "plain"
    if card or len(body) > 1 or not text.strip():
        shape = cards.card(body or [cards.plain("…")])
        return _said(attachments=[TeamsAttachment(content_type=cards.CONTENT_TYPE, content=shape)])
    return _said(text=text, text_format=kind)


def typing() -> dict[str, Any]:
    """Three dots, for a few seconds."""
    return _wire(Activity(type=ActivityTypes.typing))


def _reply(reply: AgentReply, outbound: Outbound) -> list[cards.Element]:
    words = [cards.marked(reply.text)] if reply.text.strip() else []
    offered = list(cards.offers(reply.suggestions, outbound))
    if reply.chosen:
        offered.append(cards.plain(f"✓ {cards.line(reply.chosen.text, cards.LINE)}"))
    room = ACTIVITY - _FRAME - cards.size([*words, *offered])
    return [*words, *cards.beside(reply, room), *offered]


def _notice(notice: Notice, outbound: Outbound) -> list[cards.Element]:
    words = notice_text(notice)
    cut = words if len(words) <= TEXT else words[: TEXT - 1] + "…"
    return [cards.plain(cut), *cards.controls(notice.controls, outbound)]


def _said(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - the fields of the SDK's model
    return _wire(Activity(type=ActivityTypes.message, **fields))


def _wire(activity: Activity) -> dict[str, Any]:
    return activity.model_dump(by_alias=True, exclude_unset=True, mode="json")
