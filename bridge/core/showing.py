"""How do the agent's words stand in the thread, and what becomes of them later?

Laws (polyai-messaging §13, §14, §17):
- A message id is posted once. What comes later under the same id changes that post: the whole
  message wins over its chunks, a late attachment joins it, the rest of a stalled stream ends it.
- Only the newest message's suggestions are live, until anything else is said. An unfinished one
  has none yet: its own come with its end, unless the agent has said something else meanwhile.
- Where suggestions are numbered, what the agent adds before anybody can have read them leaves them
  live (see `menus`), until it brings some of its own.
- Where nothing that stands there can be changed, only what is new is told, as a new message; what
  is changed in the middle is told anew, as a whole. Suggestions are then left where they stand.
"""

import msgspec

from bridge.core import fallbacks, recent
from bridge.core.effects import Owe, Show
from bridge.core.fallbacks import in_words
from bridge.core.menus import choices, is_unread, without
from bridge.core.parts import parts
from bridge.core.state import Handoff, Offered, Session, Told
from bridge.core.stepping import Stepping
from bridge.model.delivery import Retire, retired
from bridge.model.frames import AgentMessage, LiveAgentMessage
from bridge.model.ids import DeliveryId
from bridge.model.messages import (
    AgentReply,
    Attachment,
    Author,
    AuthorKind,
    Choice,
    Notice,
    NoticeKind,
)
from bridge.model.numbering import countable
from bridge.model.signal import Signal, SignalKind

#: How many message ids a session remembers as shown, and how many as they stand.
_SHOWN = 256
_TOLD = 4
#: And by how many posts one is known that cannot be changed.
_POSTS = 32


def reply_of(author: Author, message: AgentMessage | LiveAgentMessage) -> AgentReply:
    """What a message of the wire shows."""
    return AgentReply(
        author=author,
        text=message.text,
        attachments=message.attachments,
        suggestions=message.suggestions,
        call_actions=message.call_actions,
    )


def agent_author(session: Session) -> Author:
    """The agent as it named itself."""
    return session.agent or Author(AuthorKind.AGENT)


def show(step: Stepping, reply: AgentReply, message_id: str, *, whole: bool = False) -> None:
    """Owe the thread a message of the agent, in as many parts as it needs, once.

    What comes later under the same id changes it, and ends it if it is unfinished. One that came
    `whole` is not changed by what is put together from pieces.
    """
    session = step.conversation.session
    if session is None:
        return
    if is_shown(session, message_id):
        told = told_as(session, message_id)
        if told is not None and (told.reply.unfinished or not reply.empty):
            _revise(step, session, told, reply, whole=whole)
        return
    final = _limited(step, reply)
    if in_words(final, step.terms.shows).empty:
        return
    if final.suggestions or not _adds(step, final):
        retire(step, None)
    _close_all(step)
    quiet(step)  # a message takes the sign of life away
    posts = in_parts(step, final)
    deliveries = _say(step, posts)
    _offer(step, deliveries[-1], final, stands=posts[-1])
    if message_id:
        told = Told(message_id=message_id, deliveries=deliveries, reply=final, whole=whole)
        _remember(step, told)


def _adds(step: Stepping, reply: AgentReply) -> bool:
    """Whether the agent says this before anybody can have read its list that counts."""
    session = step.conversation.session
    return (
        not step.terms.shows.suggestions
        and reply.author.kind is AuthorKind.AGENT
        and session is not None
        and session.handoff is not Handoff.LIVE
        and is_unread(step.conversation.menu, step.now)
    )


def _say(step: Stepping, posts: list[AgentReply]) -> tuple[DeliveryId, ...]:
    """Post all of it; a list that nobody can have read counts afterwards, too."""
    menu = step.conversation.menu
    adds = bool(posts) and _adds(step, posts[0])
    deliveries = tuple(step.post(post) for post in posts)
    if adds:
        step.change(menu=menu)
    return deliveries


def _remember(step: Stepping, told: Told) -> None:
    """That it was shown; and as it stands, the last few and those of which more may come."""
    session = step.conversation.session
    if session is None:
        return
    shown = recent.meet(session.shown, told.message_id, _SHOWN)
    coming = {stream.message_id for stream in session.streams}
    older = [
        one for one in session.told[: 1 - _TOLD] if one.reply.unfinished or one.message_id in coming
    ]
    step.change_session(shown=shown, told=(*older, *session.told[1 - _TOLD :], told))


def quiet(step: Stepping) -> None:
    """Take the sign of life away, if one is shown."""
    session = step.conversation.session
    if session is not None and session.signalled_at is not None:
        step.effects.append(Show(Signal(SignalKind.CLEAR)))
        step.change_session(signalled_at=None)


def told_as(session: Session, message_id: str) -> Told | None:
    """The message of this id as it stands, if it is still remembered."""
    return next((t for t in session.told if t.message_id == message_id), None)


def is_shown(session: Session, message_id: str) -> bool:
    """Whether a message of this id stands in the thread."""
    return bool(message_id) and recent.met(session.shown, message_id)


def says_more(session: Session, message: AgentMessage) -> bool:
    """Whether a message put together from pieces may say more than what is shown of it.

    Pieces may be a part of a replay; a shorter text is not what the agent said last.
    """
    told = told_as(session, message.message_id)
    if told is None or not message.message_id:
        return True
    return not told.whole and len(message.text) >= len(told.reply.text)


def retire(step: Stepping, chosen: Choice | None) -> None:
    """Take the live suggestions away; whatever comes next has overtaken them."""
    session, offered = step.conversation.session, step.conversation.offered
    if session is not None and session.told:
        told = (t if t.reply.unfinished else _closed(step, t, chosen) for t in session.told)
        step.change_session(told=tuple(told))
    if offered is None:
        return
    step.change(offered=None, menu=without(step.conversation.menu, offered.delivery))
    if not (step.terms.shows.suggestions and step.terms.shows.edits):
        return  # they cannot be taken away
    if offered.revised is not None:
        step.replace(offered.delivery, retired(offered.revised, chosen))
    else:
        retire_it = Retire(offered.delivery, chosen, offered.stands)
        step.effects.append(Owe(step.new_id(), retire_it))


def _close_all(step: Stepping) -> None:
    """Something newer is said: what older messages still bring are no suggestions.

    But for the one whose suggestions are live nevertheless.
    """
    session, offered = step.conversation.session, step.conversation.offered
    if session is None or all(told.closed for told in session.told):
        return
    live = offered.delivery if offered is not None else None
    told = (t if live in t.deliveries else _closed(step, t, None) for t in session.told)
    step.change_session(told=tuple(told))


def _closed(step: Stepping, told: Told, chosen: Choice | None) -> Told:
    """With its suggestions gone, unless they stand there as words."""
    if told.closed:
        return told
    reply = told.reply
    if step.terms.shows.suggestions:
        reply = msgspec.structs.replace(reply, suggestions=(), chosen=chosen)
    return msgspec.structs.replace(told, closed=True, reply=reply)


def _revise(
    step: Stepping, session: Session, told: Told, reply: AgentReply, *, whole: bool
) -> None:
    """What is posted becomes what is now known, by as few changes as will do."""
    after = _limited(step, _merged(told, reply))
    if after == told.reply:
        return
    _overtake(step, told, after)
    if not step.terms.shows.edits:
        _tell_news(step, told, after, whole=whole)
        return
    counted = _counts(step, told)
    old, new = in_parts(step, told.reply), in_parts(step, after)
    # Else what stands there was cut for another length, and nobody knows which words stand where.
    known = len(old) == len(told.deliveries)
    for delivery, before, now in zip(told.deliveries, old, new, strict=False):
        if before != now or not known:
            step.replace(delivery, now)
    for delivery in told.deliveries[len(new) :]:
        step.replace(delivery, Notice(NoticeKind.WITHDRAWN))
    more = _say(step, new[len(told.deliveries) :])
    deliveries = (*told.deliveries, *more)[: len(new)]
    changed = msgspec.structs.replace(
        told, deliveries=deliveries, reply=after, whole=whole or told.whole
    )
    _put(step, told, changed)
    if not told.closed and not _older_is_live(step, told):
        step.change(offered=None)
        _offer(step, deliveries[-1], after, revised=new[-1], counts=counted)


def _overtake(step: Stepping, told: Told, after: AgentReply) -> None:
    """The newest message says more: an older list stays only if nobody can have read it yet."""
    session, offered = step.conversation.session, step.conversation.offered
    if session is None or offered is None or told.closed or not _older_is_live(step, told):
        return
    if after.suggestions or not _adds(step, after):
        step.change(offered=None, menu=without(step.conversation.menu, offered.delivery))
        others = (t if t is told else _closed(step, t, None) for t in session.told)
        step.change_session(told=tuple(others))


def _older_is_live(step: Stepping, told: Told) -> bool:
    """Whether the live suggestions are those of a message before this one."""
    offered = step.conversation.offered
    return (
        not step.terms.shows.suggestions
        and offered is not None
        and offered.delivery not in told.deliveries
    )


def _counts(step: Stepping, told: Told) -> bool:
    """Whether numbers that are added to this message count: nothing newer has any, or is there."""
    menu, session = step.conversation.menu, step.conversation.session
    if menu is not None:
        return any(line.delivery in told.deliveries for line in menu.lines)
    return (
        session is not None and session.handoff is not Handoff.LIVE and not told.reply.suggestions
    )


def _tell_news(step: Stepping, told: Told, after: AgentReply, *, whole: bool) -> None:
    """A new message with what the thread does not show yet; nothing if there is no such thing."""
    shows, menu = step.terms.shows, step.conversation.menu
    if fallbacks.takes_back(told.reply, after, shows):
        stays = not fallbacks.plainly(after, shows).empty
        step.notice(NoticeKind.WITHDRAWN, anew="yes" if stays else "")
    news = fallbacks.news(told.reply, after, shows)
    offered_anew = not told.closed and after.suggestions != told.reply.suggestions
    suggestions = after.suggestions if offered_anew else ()
    news = msgspec.structs.replace(news, suggestions=suggestions)
    posts: tuple[DeliveryId, ...] = ()
    if not news.empty:
        quiet(step)
        posts = _say(step, _cut(step, fallbacks.offering(news, shows)))
        if menu is not None and any(line.delivery in told.deliveries for line in menu.lines):
            step.change(menu=menu)
    if news.suggestions:
        step.change(offered=None)
        _offer(step, posts[-1], news)
    deliveries = (*told.deliveries, *posts)[-_POSTS:]
    changed = msgspec.structs.replace(
        told, deliveries=deliveries, reply=after, whole=whole or told.whole
    )
    _put(step, told, changed)


def _put(step: Stepping, told: Told, changed: Told) -> None:
    session = step.conversation.session
    if session is not None:
        step.change_session(told=tuple(changed if t is told else t for t in session.told))


def _merged(told: Told, reply: AgentReply) -> AgentReply:
    """The later word is the authority; one without a text only adds to what is there."""
    before = told.reply
    if not reply.text.strip():
        reply = msgspec.structs.replace(
            reply,
            text=before.text,
            attachments=_joined(before.attachments, reply.attachments),
            suggestions=reply.suggestions or before.suggestions,
            call_actions=tuple(dict.fromkeys((*before.call_actions, *reply.call_actions))),
        )
    if told.closed:
        stay = before.suggestions
        reply = msgspec.structs.replace(reply, suggestions=stay, chosen=before.chosen)
    return reply


def _joined(old: tuple[Attachment, ...], new: tuple[Attachment, ...]) -> tuple[Attachment, ...]:
    """Both, each address once."""
    return (*old, *(a for a in new if a not in old and (not a.url or a.url not in _urls(old))))


def _urls(attachments: tuple[Attachment, ...]) -> set[str]:
    return {attachment.url for attachment in attachments if attachment.url}


def _limited(step: Stepping, reply: AgentReply) -> AgentReply:
    suggestions = reply.suggestions[: step.terms.suggestion_limit]
    return msgspec.structs.replace(reply, suggestions=suggestions)


def in_parts(step: Stepping, reply: AgentReply) -> list[AgentReply]:
    """As the platform takes it: everything that is not text stands at the last part."""
    return _cut(step, in_words(reply, step.terms.shows))


def _cut(step: Stepping, reply: AgentReply) -> list[AgentReply]:
    terms = step.terms
    *first, last = parts(reply.text, terms.text_limit, fences=terms.shows.formatting)
    final = msgspec.structs.replace(reply, text=last)
    return [*(AgentReply(author=reply.author, text=text) for text in first), final]


def _offer(
    step: Stepping,
    delivery: DeliveryId,
    reply: AgentReply,
    *,
    revised: AgentReply | None = None,
    stands: AgentReply | None = None,
    counts: bool = True,
) -> None:
    """Its suggestions are live; by their numbers, too, where these count."""
    if not reply.suggestions:
        return
    texts = tuple(suggestion.text for suggestion in reply.suggestions)
    step.change(offered=Offered(delivery, texts, revised, stands))
    if counts and not step.terms.shows.suggestions and countable(texts):
        step.change(menu=choices(delivery, len(texts), step.now))
