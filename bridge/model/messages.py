"""What a thread is shown: an agent's reply or a notice of ours, before any platform renders it."""

import enum
import hashlib

from bridge.model.ids import PersonId
from bridge.model.value import Value


class Person(Value, frozen=True):
    """Somebody on a platform; `name` only where it came with the message."""

    id: PersonId
    name: str | None = None


class AuthorKind(enum.StrEnum):
    """Who speaks to the thread."""

    AGENT = "agent"
    LIVE_AGENT = "live_agent"


class Author(Value, frozen=True):
    """The agent, or the live agent after a handoff, with the name and picture PolyAI gave."""

    kind: AuthorKind
    name: str | None = None
    picture_url: str | None = None


class AttachmentKind(enum.StrEnum):
    """What an attachment is; anything PolyAI adds later is OTHER and shown as a plain link."""

    LINK = "link"
    IMAGE = "image"
    OTHER = "other"


class Attachment(Value, frozen=True):
    """Something shown beside the text. Addresses are as received: untrusted."""

    kind: AttachmentKind
    url: str | None = None
    title: str = ""
    preview_url: str | None = None
    action_text: str = ""


class Suggestion(Value, frozen=True):
    """A reply the agent offers; choosing it sends exactly `text` as the person's message."""

    text: str

    @property
    def mark(self) -> str:
        """A short name of the text, by which a button knows what it was put there for."""
        return hashlib.sha256(self.text.encode(errors="replace")).hexdigest()[:8]


class CallAction(Value, frozen=True):
    """A telephone number the agent offers to call."""

    title: str
    number: str


class Choice(Value, frozen=True):
    """What was chosen among the suggestions, and by whom."""

    text: str
    by: Person


class AgentReply(Value, frozen=True, tag="reply"):
    """One message of the agent or the live agent.

    `text` is as PolyAI sent it: Markdown mixed with a small HTML subset (`a br b i em strong p ul
    ol li code`), untrusted. Suggestions are live until chosen or retired. Of an `unfinished` one
    more is coming: the same message grows, and a change of it ends it.
    """

    author: Author
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    call_actions: tuple[CallAction, ...] = ()
    chosen: Choice | None = None
    unfinished: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show at all."""
        return not (self.text.strip() or self.attachments or self.suggestions or self.call_actions)


class Control(enum.StrEnum):
    """What a notice offers to do; it stays meaningful until the state says otherwise."""

    START = "start"  #: begin a new session
    RETRY = "retry"  #: send once more what did not reach the agent
    CANCEL = "cancel"  #: stop waiting for a person
    END = "end"  #: end the session
    PERSON = "person"  #: ask the agent for a person
    STATUS = "status"  #: say what is going on


class NoticeKind(enum.StrEnum):
    """What the bridge itself tells a thread; `bridge.plugin.text` words each."""

    NEW_CONVERSATION = "new_conversation"  #: the earlier session is gone; this one knows nothing
    ENDED = "ended"  #: `reason`; `resumed`: a new one follows; `called`: helpers are here
    HANDOFF_WAITING = "handoff_waiting"  #: `queue`, `position`, `wait_seconds`, `message`, `since`
    HANDOFF_FOUND = "handoff_found"  #: the wait is over, one way or another
    HANDOFF_JOINED = "handoff_joined"  #: `name` joined
    HANDOFF_LEFT = "handoff_left"  #: `name` left
    HANDOFF_FAILED = "handoff_failed"  #: `reason`, `timed_out`
    #: client-managed: `route`, `queue`, `reason`; `link`, `number`, `called` as configured
    HANDOFF_ELSEWHERE = "handoff_elsewhere"
    HANDOFF_CALL = "handoff_call"  #: to helpers: `queue`, `reason`, `person`, `mention`
    AGENT_PROBLEM = "agent_problem"  #: `message`: PolyAI's own words
    UNAVAILABLE = "unavailable"  #: no session can be opened now; `kept`: what was said is
    UNANSWERED = "unanswered"  #: `text` was received and will have no answer; `again`: sent again
    NOT_DELIVERED = "not_delivered"  #: `text` did not reach the agent; `again`: sent once more
    NOT_SHOWN = "not_shown"  #: an answer that this platform never takes
    NOT_TAKEN = "not_taken"  #: what somebody said or pressed could not be handled
    TOO_LONG = "too_long"  #: `limit_bytes`: the message is larger than PolyAI takes
    WITHDRAWN = "withdrawn"  #: the agent took this part of its message back
    STATUS = "status"  #: what is going on: `state`, `agent`, `since`, `name`, `position`
    ALERT = "alert"  #: to operators, in words of its own
    STALE = "stale"  #: what was pressed means nothing any more: `what`
    TOO_FAST = "too_fast"  #: somebody writes faster than is passed on: `seconds`


class Notice(Value, frozen=True, tag="notice"):
    """A sentence of the bridge's own; `details` hold what the kind names: text, untrusted."""

    kind: NoticeKind
    details: dict[str, str] = {}
    controls: tuple[Control, ...] = ()  #: offered beside the words
    #: Where nothing can be pressed: the numbers by which the controls are asked for.
    numbers: tuple[int, ...] = ()
    #: Said in place of what the kind says, where that is too long for one message.
    words: str = ""


Content = AgentReply | Notice
