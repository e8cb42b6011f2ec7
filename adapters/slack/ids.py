"""What do things have for a name? Thread keys, marks and button values; the only room that mints
or reads them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from bridge.model.delivery import Receipt
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.messages import Control

#: Metadata type of every post of ours.
EVENT_TYPE = "polyai_bridge_delivery"

_MARK = "polyai:"
_SUGGESTION = "polyai_suggestion"
_OPEN = "polyai_open"
#: Buttons stay in threads for ever: an action id, once used, keeps its meaning.
_CONTROLS = {
    Control.START: "polyai_restart",
    Control.RETRY: "polyai_retry",
    Control.CANCEL: "polyai_cancel",
    Control.END: "polyai_end",
    Control.PERSON: "polyai_person",
    Control.STATUS: "polyai_status",
}

_TEAM_OR_CHANNEL = re.compile(r"[A-Z0-9]{1,32}")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{1,31}")
_USER = re.compile(r"[UW][A-Z0-9]{1,31}")
_GROUP = re.compile(r"S[A-Z0-9]{1,31}")
# Seconds since 1970, a dot and a counter of six digits: an identifier, and never a float.
_TS = re.compile(r"[0-9]{1,10}\.[0-9]{1,9}")
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class SlackThread:
    """A thread: its workspace, its channel and the ts of its root message."""

    team: str
    channel: str
    root: str

    @property
    def key(self) -> ThreadKey:
        """The thread's name outside this adapter."""
        return ThreadKey(f"{self.team}:{self.channel}:{self.root}")

    @property
    def direct(self) -> bool:
        """Whether it is of a direct conversation, which one person and the app see."""
        return self.channel.startswith("D")

    @property
    def path(self) -> str:
        """Where a browser or Slack's own app opens it, below the workspace's address.

        As chat.getPermalink writes it, of a reply; made here because it needs no call that can
        fail between an attempt and its post.
        """
        message = f"archives/{self.channel}/p{self.root.replace('.', '')}"
        return f"{message}?thread_ts={self.root}&cid={self.channel}"

    @classmethod
    def parse(cls, key: str) -> "SlackThread":
        """The thread of a key. Raises ValueError if `key` was not made here."""
        parts = key.split(":")
        if len(parts) != 3 or not (is_place(parts[0]) and is_place(parts[1]) and is_ts(parts[2])):
            raise ValueError("not the key of a Slack thread")
        return cls(*parts)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a message stands: a ts names it only within its channel."""

    channel: str
    ts: str

    @property
    def receipt(self) -> Receipt:
        """The proof that something was posted here."""
        return Receipt(reference=f"{self.channel}:{self.ts}")

    @classmethod
    def parse(cls, receipt: Receipt) -> "Spot":
        """The spot of a receipt. Raises ValueError if it was not given here."""
        channel, _, ts = receipt.reference.partition(":")
        if not (is_place(channel) and is_ts(ts)):
            raise ValueError("not a receipt of the Slack adapter")
        return cls(channel, ts)


class ButtonValue(msgspec.Struct, frozen=True):
    """What a button of ours carries: for which delivery, in which workspace, which suggestion, and
    the mark of its text.

    The workspace travels along because a click from a shared channel names the clicker's own. Where
    Slack does not say in which thread a button stands (in the Home tab, in a list, in what one
    person alone is shown), it carries the thread; then there may be no delivery.
    """

    delivery: str = msgspec.field(name="d", default="")
    team: str = msgspec.field(name="t", default="")
    index: int = msgspec.field(name="i", default=0)
    mark: str = msgspec.field(name="m", default="")
    thread: str | msgspec.UnsetType = msgspec.field(name="k", default=msgspec.UNSET)

    @property
    def place(self) -> SlackThread | None:
        """The thread it carries, if it does. Raises ValueError if that is none of this team's."""
        if not self.thread:
            return None
        thread = SlackThread.parse(self.thread)
        if thread.team != self.team:
            raise ValueError("a thread of another workspace")
        return thread


def encode_button(value: ButtonValue) -> str:
    """The value as a button carries it: compact JSON."""
    return msgspec.json.encode(value).decode()


def decode_button(text: str) -> ButtonValue | None:
    """What a button carried, or None if it is not ours."""
    try:
        value = msgspec.json.decode(text.encode(), type=ButtonValue)
        place = value.place
    except (ValueError, RecursionError):
        return None
    named = bool(value.delivery or place)
    return value if named and is_place(value.team) and value.index >= 0 else None


def suggestion_action(index: int) -> str:
    """The action id of the `index`-th suggestion: unique within its message."""
    return f"{_SUGGESTION}:{index}"


def is_suggestion(action: str) -> bool:
    """Whether a click with this action id chose a suggestion of ours."""
    return action.startswith(f"{_SUGGESTION}:")


def control_action(control: Control) -> str:
    """The action id of the button for this control."""
    return _CONTROLS[control]


def control_of(action: str) -> Control | None:
    """The control that a click with this action id used, if any."""
    return next((control for control, named in _CONTROLS.items() if named == action), None)


def is_open(action: str) -> bool:
    """Whether a click with this action id only opened an address."""
    return action.startswith(f"{_OPEN}:")


def open_action(index: int) -> str:
    """The action id of a button that only opens an address; Slack reports clicks on it as well."""
    return f"{_OPEN}:{index}"


def mark(delivery: DeliveryId) -> str:
    """The block id that marks a post as this delivery."""
    return f"{_MARK}{delivery}"


def marked(text: object) -> DeliveryId | None:
    """The delivery of the block id `text`, if that marks a post of ours."""
    if not isinstance(text, str) or not text.startswith(_MARK):
        return None
    return DeliveryId(text.removeprefix(_MARK)) or None


def is_place(text: object) -> bool:
    """Whether `text` can be the id of a workspace or a channel."""
    return isinstance(text, str) and bool(_TEAM_OR_CHANNEL.fullmatch(text))


def is_channel(text: object) -> bool:
    """Whether `text` can be the id of a channel that several people see."""
    return isinstance(text, str) and bool(_CHANNEL.fullmatch(text))


def is_group(text: object) -> bool:
    """Whether `text` can be the id of a user group."""
    return isinstance(text, str) and bool(_GROUP.fullmatch(text))


def is_user(text: object) -> bool:
    """Whether `text` can be the id of a person, and so can be named in a message of ours."""
    return isinstance(text, str) and bool(_USER.fullmatch(text))


def is_ts(text: object) -> bool:
    """Whether `text` is a Slack timestamp."""
    return isinstance(text, str) and bool(_TS.fullmatch(text))


def order_of(ts: str) -> str:
    """The timestamp at a fixed width, so that text order is time order."""
    seconds, _, counter = ts.partition(".")
    return f"{seconds.zfill(12)}.{counter.ljust(6, '0')}"


def ts_of(instant: datetime) -> str:
    """The instant as Slack would write it: for what comes without a timestamp of its own."""
    micros = (instant - _EPOCH) // timedelta(microseconds=1)
    return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"


def instant_of(ts: str) -> datetime:
    """The instant a timestamp stands for."""
    seconds, _, counter = ts.partition(".")
    micro = int(counter.ljust(6, "0")[:6])
    return _EPOCH + timedelta(seconds=int(seconds), microseconds=micro)
