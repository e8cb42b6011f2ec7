"""How does the bridge itself speak in Slack? Its plain words, with what only Slack can show.

An instant stands in each reader's own time, an address or a number can be pressed, a person is
mentioned. Details come from outside: everything is escaped but the markup built here, which goes
through the wording as marks that no detail can hold.
"""

import re
from datetime import datetime

import msgspec

from adapters.slack import ids, limits
from adapters.slack.rendering import markup
from bridge.model.messages import Notice
from bridge.plugin import notice_text
from bridge.plugin.text import plain_moment

# A control character: `markup.clean` leaves none in what comes from outside.
_MARK = re.compile("\x1a([0-9]+)\x1a")


def notice_words(notice: Notice) -> str:
    """The sentence of `notice` as Slack shows it."""
    marks = _Marks()
    details = {name: _detail(name, text, marks) for name, text in notice.details.items()}
    worded = notice_text(
        msgspec.structs.replace(notice, details=details),
        moment=lambda instant: marks.keep(_date(instant)),
    )
    return marks.restored(worded).strip()


def mention(named: str) -> str:
    """The mention of a group or a person that the configuration names by its id, else its words."""
    if ids.is_group(named):
        return f"<!subteam^{named}>"
    return f"<@{named}>" if ids.is_user(named) else markup.escape(markup.label(named, limits.LABEL))


def way_to(thread: ids.SlackThread, workspace: str) -> str:
    """How people get from elsewhere to `thread`; `workspace` is the address of their Slack."""
    if thread.direct:
        return "They wrote in a direct message, which nobody else sees: please write to them."
    home = markup.web_url(workspace)
    if home is None:
        return f"Their thread is in <#{thread.channel}>."
    return markup.link(f"{home.rstrip('/')}/{thread.path}", "Open the thread")


class _Marks:
    """Slack's markup, set aside while the words around it are found and escaped."""

    def __init__(self) -> None:
        self._kept: list[str] = []

    def keep(self, built: str) -> str:
        """A mark that stands for `built`."""
        self._kept.append(built)
        return f"\x1a{len(self._kept) - 1}\x1a"

    def restored(self, words: str) -> str:
        """`words`, escaped, with the markup in place of the marks."""
        pieces = _MARK.split(words)  # words and numbers by turns
        return "".join(
            self._kept[int(piece)] if at % 2 else markup.escape(piece)
            for at, piece in enumerate(pieces)
        )


def _detail(name: str, text: str, marks: _Marks) -> str:
    built = _markup(name, text)
    return marks.keep(built) if built else markup.clean(text)


def _markup(name: str, text: str) -> str | None:
    """What Slack makes of a detail of this name, if it is more than words."""
    match name:
        case "link" | "route":
            url = markup.web_url(text)
            return markup.link(url, "") if url else None
        case "number":
            url = markup.dial(text)
            return f"<{url}|{markup.escape(text)}>" if url else None
        case "person":
            return f"<@{text}>" if ids.is_user(text) else None
        case _:
            return None


def _date(instant: datetime) -> str:
    """docs.slack.dev/messaging/formatting-message-text, "Date formatting"."""
    return f"<!date^{int(instant.timestamp())}^{{time}}|{plain_moment(instant)}>"
