"""How is a reply told where the platform shows less than it says? In the words of its text.

What is missing of these the text says: marks go, pictures become links, links and telephone
numbers lines, suggestions a list at the end, numbered where a number can mean nothing else, and a
live agent's words begin with a name.
Where the platform formats the text, what is added is written for that and cannot break it.
"""

import re

import msgspec

from bridge.core.plain import linked, plain
from bridge.core.terms import Shows
from bridge.model.messages import (
    AgentReply,
    Attachment,
    AttachmentKind,
    AuthorKind,
    CallAction,
    Suggestion,
)
from bridge.model.numbering import countable, named, numbered

#: A word of more characters is told on in its middle; of some languages it is a sentence.
_LONGEST_WORD = 32
#: What means something only where a line begins: a list, a heading, a quote, a fence, a table.
_BLOCK = re.compile(r"\s*(?:[-+*]\s|[#>|]|```|~~~|\d+[.)]\s|<(?:ul|ol|p)\b)")
_MARKS = re.compile(r"([\\`*_~\[\]<>#&|!])")


def in_words(reply: AgentReply, shows: Shows) -> AgentReply:
    """The reply as the platform can show it, nothing of it lost."""
    return offering(plainly(reply, shows), shows)


def plainly(reply: AgentReply, shows: Shows) -> AgentReply:
    """Its text without marks, and what stands beside it as far as that can be shown."""
    text = _text(reply, shows)
    beside = tuple(a if shows.pictures else _unpictured(a) for a in reply.attachments)
    shown = tuple(one for one in beside if _is_shown(one, shows))
    lines = [_line(one, shows) for one in beside if not _is_shown(one, shows)]
    calls = () if not shows.attachments else reply.call_actions
    lines += [] if shows.attachments else [_call(one, shows) for one in reply.call_actions]
    return msgspec.structs.replace(
        reply, text=_below(text, lines, shows), attachments=shown, call_actions=calls
    )


def offering(reply: AgentReply, shows: Shows) -> AgentReply:
    """With its numbers below and its name before it, where nothing else shows them."""
    if not shows.suggestions and reply.suggestions:
        lines = [_choice(one, shows) for one in reply.suggestions]
        counts = countable([one.text for one in reply.suggestions])
        listed = numbered(enumerate(lines, 1)) if counts else named(lines)
        text = _below(reply.text, [listed], shows)
        reply = msgspec.structs.replace(reply, text=text, suggestions=())
    name = reply.author.name if reply.author.kind is AuthorKind.LIVE_AGENT else None
    if name and not shows.authorship and reply.text:
        apart = "\n\n" if shows.formatting and _BLOCK.match(reply.text) else " "
        reply = msgspec.structs.replace(reply, text=f"{_words(name, shows)}:{apart}{reply.text}")
    return reply


def news(before: AgentReply, after: AgentReply, shows: Shows) -> AgentReply:
    """What `after` says beyond `before`: the end of its text, or all of it where it differs."""
    old, text = _text(before, shows), _text(after, shows)
    more = text[_word(old, text) :].strip() if text.startswith(old) else text
    beside = plainly(
        msgspec.structs.replace(
            after,
            text="",
            attachments=tuple(a for a in after.attachments if a not in before.attachments),
            call_actions=tuple(c for c in after.call_actions if c not in before.call_actions),
        ),
        shows,
    )
    return msgspec.structs.replace(beside, text=_below(more, [beside.text], shows))


def _word(old: str, text: str) -> int:
    """Where what is new of `text` begins; in the middle of a word, where that does."""
    begins = len(old)
    if text[begins : begins + 1].strip():
        before = old[-_LONGEST_WORD:]
        begins -= len(before) - max(before.rfind(" "), before.rfind("\n")) - 1
    return begins if len(old) - begins < _LONGEST_WORD else len(old)


def takes_back(before: AgentReply, after: AgentReply, shows: Shows) -> bool:
    """Whether `after` says nothing but the beginning of what was said before."""
    old, text = _text(before, shows), _text(after, shows)
    return old != text and old.startswith(text)


def _text(reply: AgentReply, shows: Shows) -> str:
    return reply.text if shows.formatting else plain(reply.text)


def _unpictured(one: Attachment) -> Attachment:
    """The same without a picture: the address of one becomes that of a link."""
    if one.kind is not AttachmentKind.IMAGE:
        return msgspec.structs.replace(one, preview_url=None)
    url = one.url or one.preview_url
    return msgspec.structs.replace(one, kind=AttachmentKind.LINK, url=url, preview_url=None)


def _is_shown(one: Attachment, shows: Shows) -> bool:
    return shows.attachments or (shows.pictures and one.kind is AttachmentKind.IMAGE)


def _line(one: Attachment, shows: Shows) -> str:
    title, url = _words(one.title or one.action_text, shows), (one.url or "").strip()
    if not shows.formatting:
        return linked(title, url)
    return f"[{title or _words(url, shows)}](<{_inside(url)}>)" if url else title


def _call(one: CallAction, shows: Shows) -> str:
    words = f"{one.title}: {one.number}" if one.title.strip() else one.number
    return _words(words, shows)


def _choice(one: Suggestion, shows: Shows) -> str:
    return _words(one.text, shows)


def _words(text: str, shows: Shows) -> str:
    """On one line; where the text is formatted, its marks stand for themselves."""
    line = " ".join(text.split())
    return _MARKS.sub(r"\\\1", line) if shows.formatting else line


def _inside(url: str) -> str:
    """An address that cannot end the brackets around it."""
    return url.replace("<", "%3C").replace(">", "%3E").replace("\n", "")


def _below(text: str, lines: list[str], shows: Shows) -> str:
    """The lines as paragraphs of a formatted text, else simply as lines."""
    lines = [line for line in lines if line]
    if not lines:
        return text
    between = "\n\n" if shows.formatting else "\n"
    return between.join(each for each in (text.rstrip(), *lines) if each)
