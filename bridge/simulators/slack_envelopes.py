"""What has the app acknowledged? Envelopes, their acks, and the ladder of redeliveries.

The laws, from slack.md 1.1:
- an envelope goes to one socket; an ack counts if it comes within the deadline, on any socket;
- an event that is not acked, or found no socket, or whose socket died first, is tried again on
  each rung of the ladder, under the same event id and a new envelope id; after the last it is lost;
- an interaction is delivered once and never again.
A rung is the time since the delivery before it; no rung comes before the ack's deadline has
passed, unless the socket died.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bridge.clock import Clock, Ids
from bridge.simulators.slack_sockets import Sockets, Taker
from bridge.simulators.slack_tasks import OwnedTasks

Json = dict[str, Any]

EVENTS = "events_api"


@dataclass(frozen=True, slots=True)
class SimulatedDelivery:
    """One copy of an envelope, as it left. `swallowed`: it was lost on its way to the socket."""

    envelope_id: str
    at: datetime
    attempt: int
    swallowed: bool


@dataclass(slots=True, eq=False)
class SimulatedEnvelope:
    """One event or interaction, through all of its deliveries."""

    event_id: str  #: empty for an interaction
    kind: str
    payload: Json
    accepts_response: bool = False
    deliveries: list[SimulatedDelivery] = field(default_factory=list)
    acked: datetime | None = None
    response: Json | None = None  #: what came with the ack
    late_acks: int = 0  #: acks that came too late to count
    lost: bool = False  #: given up: the ladder has ended
    settled: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def type(self) -> str:
        """What it holds: `message`, `app_mention`, `block_actions` …"""
        return str(self.payload.get("event", self.payload).get("type", self.kind))

    def summary(self) -> Json:
        """Its fate, without what it holds."""
        fate = {"deliveries": len(self.deliveries), "acked": self.acked, "lost": self.lost}
        return {"event_id": self.event_id, "kind": self.kind, "type": self.type, **fate}


@dataclass(frozen=True, slots=True)
class ClickResult:
    """What the person sees of an interaction: nothing, or a warning if it was not acked."""

    acked: bool
    response: Json | None = None
    problems: tuple[str, ...] = ()  #: what Slack refuses in the response


class Envelopes:
    """Everything that was ever put into an envelope, and the carrying of it."""

    def __init__(
        self,
        *,
        sockets: Sockets,
        clock: Clock,
        ids: Ids,
        tasks: OwnedTasks,
        ladder: tuple[timedelta, ...],
        ack_deadline: timedelta,
    ) -> None:
        self._sockets = sockets
        self._clock = clock
        self._ids = ids
        self._tasks = tasks
        self._ladder = ladder
        self._ack_deadline = ack_deadline
        self._by_delivery: dict[str, tuple[SimulatedEnvelope, datetime]] = {}
        self._held: SimulatedEnvelope | None = None
        self.all: list[SimulatedEnvelope] = []
        self.to_swap = 0  #: how many pairs of events are still to be swapped
        self.to_double = 0  #: how many envelopes are still to be sent twice
        self.to_swallow = 0  #: how many deliveries are still to vanish

    def raise_event(self, payload: Json) -> None:
        """Send an event now, and again by the ladder until it is acked."""
        envelope = SimulatedEnvelope(payload["event_id"], EVENTS, payload)
        self.all.append(envelope)
        if self._held is not None:
            first, self._held = self._held, None
            self._begin(envelope)
            self._begin(first)
        elif self.to_swap:
            self.to_swap -= 1
            self._held = envelope
        else:
            self._begin(envelope)

    async def interact(self, kind: str, payload: Json, *, accepts_response: bool) -> ClickResult:
        """Send an interaction once and wait for its ack, no longer than the deadline."""
        envelope = SimulatedEnvelope("", kind, payload, accepts_response)
        self.all.append(envelope)
        if self._deliver(envelope, 0) is None:
            return ClickResult(acked=False)
        until = self._clock.now() + self._ack_deadline
        await self._tasks.wait(until, for_any=(envelope.settled,))
        return ClickResult(acked=envelope.acked is not None, response=envelope.response)

    def redeliver(self, event_id: str) -> bool:
        """Send an event once more, acked or not; whether a socket took it.

        Raises:
            LookupError: there is no such event.
        """
        for envelope in self.all:
            if envelope.event_id == event_id:
                attempt = max((copy.attempt for copy in envelope.deliveries), default=0) + 1
                return self._deliver(envelope, attempt) is not None
        raise LookupError(event_id)

    def heard(self, frame: Json) -> None:
        """The app acks a delivery."""
        envelope, sent_at = self._by_delivery.get(frame["envelope_id"], (None, None))
        if envelope is None or sent_at is None:
            self._sockets.unread_frames += 1
        elif self._clock.now() - sent_at > self._ack_deadline:
            envelope.late_acks += 1
        elif envelope.acked is None:
            envelope.acked = self._clock.now()
            envelope.response = frame.get("payload")
            envelope.settled.set()

    def _begin(self, envelope: SimulatedEnvelope) -> None:
        """The first copy leaves at once, so that events leave in the order they were raised."""
        self._tasks.start(self._carry(envelope, self._deliver(envelope, 0)))

    async def _carry(self, envelope: SimulatedEnvelope, taken_by: Taker | None) -> None:
        sent_at = self._clock.now()
        for attempt, rung in enumerate(self._ladder, start=1):
            await self._await_ack(envelope, taken_by, sent_at, rung)
            if envelope.acked is not None:
                return
            sent_at = self._clock.now()
            taken_by = self._deliver(envelope, attempt)
        await self._await_ack(envelope, taken_by, sent_at, timedelta())
        envelope.lost = envelope.acked is None

    async def _await_ack(
        self,
        envelope: SimulatedEnvelope,
        taken_by: Taker | None,
        sent_at: datetime,
        rung: timedelta,
    ) -> None:
        """Wait for the ack until the deadline or the socket's death, then until the rung."""
        if taken_by is not None:
            ends = (envelope.settled, taken_by.gone)
            await self._tasks.wait(sent_at + self._ack_deadline, for_any=ends)
        await self._tasks.wait(sent_at + rung, for_any=(envelope.settled,))

    def _deliver(self, envelope: SimulatedEnvelope, attempt: int) -> Taker | None:
        """Send a copy, or two; the socket that took it, or None if there is none."""
        socket = self._send_copy(envelope, attempt)
        if socket is not None and self.to_double:
            self.to_double -= 1
            self._send_copy(envelope, attempt)
        return socket

    def _send_copy(self, envelope: SimulatedEnvelope, attempt: int) -> Taker | None:
        socket = self._sockets.next_socket()
        if socket is None:
            return None
        now, name = self._clock.now(), self._ids.new()
        swallowed = self.to_swallow > 0 or socket.deaf or socket.silent
        envelope.deliveries.append(SimulatedDelivery(name, now, attempt, swallowed))
        self._by_delivery[name] = (envelope, now)
        if self.to_swallow:
            self.to_swallow -= 1
        elif not swallowed:
            socket.send(_frame(envelope, name, attempt))
        return socket


def _frame(envelope: SimulatedEnvelope, name: str, attempt: int) -> Json:
    frame = {
        "envelope_id": name,
        "type": envelope.kind,
        "payload": envelope.payload,
        "accepts_response_payload": envelope.accepts_response,
    }
    if envelope.kind == EVENTS:
        frame |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
    return frame
