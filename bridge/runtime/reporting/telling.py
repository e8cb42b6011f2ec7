"""How is the story of a message told? Line by line, each with its instant, and what is missing."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise

from bridge.core.state import Conversation
from bridge.model.hops import Hop, HopKind
from bridge.model.value import Value
from bridge.runtime.reporting.stories import Story, Sure, links
from bridge.store import DeliveryHops, EntryHops, TwinHops

#: What is said of a hop that rode with no commit any more.
LOST = "not recorded: the bridge died before its next commit"
#: The clock of an instant that is not ours, and may be wrong.
PLATFORM, POLYAI = "platform", "polyai"

#: What is known of sending it, in the order of what happens at one instant.
_WAY = (HopKind.CARRIED, HopKind.LAUNCHED, HopKind.TRANSMITTED)
_SURE = {
    Sure.ONE: "nothing else waited for an answer",
    Sure.SOME: "for one of these, or for all: PolyAI does not say",
    Sure.MORE: "nothing waited: more of what it said before, or by itself",
}


class Line(Value, frozen=True, kw_only=True):
    """One hop as it is told."""

    row: str  #: which message of the story, as `inbox.12` or a delivery's id
    hop: str  #: one word
    says: str
    at: datetime | None = None  #: None if it is not known when
    clock: str = ""  #: whose, if it is not ours
    open: bool = False  #: it has not happened yet


#: What holds up a delivery, as far as the running bridge can say; nothing if it cannot be asked.
Why = Callable[[str], str]


def told(story: Story, why: Why = lambda _: "") -> list[Line]:
    """Every hop of a story in the order of their instants; what is not known stands at its place.

    `why` says what is wrong with an adapter, or an agent, just now.
    """
    rows = ways(story, why)
    placed = [one for number, row in enumerate(rows) for one in _placed(row, number)]
    lines = [line for *_, line in sorted(placed, key=lambda one: one[:3])]
    return lines + list(_unanswered(story, why))


def ways(story: Story, why: Why = lambda _: "") -> list[list[Line]]:
    """The hops of each message of a story, each after what it was caused by."""
    conversation = story.timeline.conversation
    rows = [list(_entry(entry)) for entry in story.entries]
    for delivery in story.deliveries:
        if delivery.target == "agent":
            rows.append(list(_ask(delivery, conversation, why)))
        else:
            rows.append(list(_thread(delivery, story, why)))
    rows += [list(_twin(twin)) for twin in _twins(story)]
    rows.append(list(_on_the_way(story)))
    return rows


def _placed(row: list[Line], number: int) -> Iterator[tuple[datetime, int, int, Line]]:
    """Each line with what it is sorted by: what has no instant of ours stands beside its cause."""
    ours = [line.at if not line.clock else None for line in row]
    known = [at for at in ours if at is not None]
    if not known:
        return
    last = known[0]
    for place, (line, at) in enumerate(zip(row, ours, strict=True)):
        if line.clock:  # before what our own process saw of it
            last = max(last, next((one for one in ours[place:] if one is not None), last))
        else:
            last = max(last, at or last)
        yield last, number, place, line


def _entry(entry: EntryHops) -> Iterator[Line]:
    row, noted = entry.name, _noted(entry)
    said = next(iter(noted.get(HopKind.SAID, [])), None)
    if said is not None:
        yield Line(row=row, hop="said", says="on the platform", at=said.at, clock=PLATFORM)
    yield Line(row=row, hop="received", says=_sort(entry.kind, noted), at=entry.accepted_at)
    if entry.hops:
        if HopKind.KEPT in noted:
            yield Line(row=row, hop="kept", says="its conversation was not begun yet")
        else:
            yield _once(row, "journaled", "committed", noted, HopKind.JOURNALED)
            yield _once(row, "acked", "the adapter may acknowledge", noted, HopKind.ACKED)
    if entry.dead_at is not None:
        yield Line(row=row, hop="dead", says=f"no step takes it: {entry.reason}", at=entry.dead_at)
    if entry.redriven_at is not None:
        yield Line(row=row, hop="redriven", says="by an operator", at=entry.redriven_at)
    if entry.done_at is not None:
        yield Line(row=row, hop="stepped", says="its step was taken", at=entry.done_at)
    elif entry.dead_at is None:
        yield Line(row=row, hop="stepped", says="waits for its step", open=True)


def _ask(ask: DeliveryHops, conversation: Conversation, why: Why) -> Iterator[Line]:
    row, noted = ask.id, _noted(ask)
    yield Line(row=row, hop="owed", says=f"to the agent, {_sort('ask', noted)}", at=ask.owed_at)
    if ask.hops:
        yield _once(row, "journaled", "its step is committed", noted, HopKind.JOURNALED)
    yield from _sent(ask)
    if ask.redriven_at is not None:
        yield Line(row=row, hop="redriven", says="by an operator", at=ask.redriven_at)
    if ask.state == "sent":
        where = f"PolyAI has it, as sequence {ask.reference}{_session(noted, HopKind.ECHOED)}"
        yield from _foreign(row, "echoed", where, noted, HopKind.ECHOED)
        yield from _arrived(row, "its echo was read", noted)
        yield Line(row=row, hop="confirmed", says=where, at=ask.settled_at)
    elif ask.settled_at is not None:
        for one in noted.get(HopKind.DIED, []):
            yield Line(row=row, hop="dead", says="it was given up", at=one.at)
        yield Line(row=row, hop=ask.state, says=ask.reason, at=ask.settled_at)
    else:
        says = f"owed to the agent since {stamp(ask.owed_at)}: {_held_up(conversation, ask, why)}"
        yield Line(row=row, hop="confirmed", says=says, open=True)


def _sent(ask: DeliveryHops) -> Iterator[Line]:
    """Each time it was to be sent, whether it was, and what became of its session."""
    # What rode with a later commit was written down later than it happened.
    way = sorted(
        (hop for hop in ask.hops if hop.kind in _WAY and hop.at is not None),
        key=lambda hop: (hop.at, _WAY.index(hop.kind)),
    )
    attempts = 0
    for hop, after in pairwise([*way, None]):
        if hop is None:
            continue
        attempts += hop.kind is HopKind.LAUNCHED
        says = f"in session {hop.detail}, attempt {max(attempts, 1)}"
        if hop.kind is HopKind.CARRIED:
            says = f"session {hop.detail} was left: it is for the next one"
            yield Line(row=ask.id, hop="carried", says=says, at=hop.at)
        elif hop.kind is HopKind.TRANSMITTED:
            yield Line(row=ask.id, hop="sent", says=says, at=hop.at)
        elif after is None or after.kind is not HopKind.TRANSMITTED:
            says = f"{says}: {LOST}, or the socket was gone"
            yield Line(row=ask.id, hop="sent", says=says)


def _held_up(conversation: Conversation, ask: DeliveryHops, why: Why) -> str:
    """What it waits for, as far as the state says."""
    flight, session = conversation.in_flight, conversation.session
    trouble = why(f"agent {conversation.agent}")
    if flight is not None and flight.message is not None and flight.message.delivery == ask.id:
        waits = f"sent {flight.attempts} time(s), and not confirmed yet"
    elif conversation.parked_at is not None:
        waits = f"the conversation is parked since {stamp(conversation.parked_at)}"
    elif session is None:
        waits = "there is no session yet"
    elif not session.ready:
        waits = "its session has no socket just now"
    elif not session.joined:
        waits = "the agent has not joined yet"
    else:
        waits = "what was said before is not confirmed yet"
    return f"{waits}{f'; {trouble}' if trouble else ''}"


def _thread(post: DeliveryHops, story: Story, why: Why) -> Iterator[Line]:
    row, noted = post.id, _noted(post)
    frame = next(iter(noted.get(HopKind.FRAME, [])), None)
    if frame is not None:
        says = f"frame {frame.detail} of PolyAI's (session.sequence)"
        yield from _foreign(row, "answered", says, noted, HopKind.FRAME)
        yield from _arrived(row, says, noted)
    yield Line(row=row, hop="owed", says=_owed(post, story), at=post.first_owed_at)
    if post.hops:
        yield _once(row, "journaled", "its step is committed", noted, HopKind.JOURNALED)
    yield from _tries(post)
    yield from _end(post, story, why)


def _owed(post: DeliveryHops, story: Story) -> str:
    answer = story.answers.get(post.number)
    changes = links(post, HopKind.CHANGES)
    sort = _sort(post.kind, _noted(post))
    identity = story.timeline.conversation.id
    if changes:
        return f"{sort}, changes {identity}.{changes[0]}"
    if answer is None or answer.sure not in _SURE:
        return sort
    asks = ", ".join(f"{identity}.{number}" for number in answer.asks)
    relation = "after" if answer.sure is Sure.MORE else "answers"
    return f"{sort}, {relation} {asks} ({_SURE[answer.sure]})"


def _tries(post: DeliveryHops) -> Iterator[Line]:
    attempts = 0
    words = {
        HopKind.ABSENT: ("absent", "it certainly did not arrive: tried again"),
        HopKind.HELD: ("held", "nobody can tell whether it arrived"),
        HopKind.FOUND: ("found", "it was in doubt, and there it was"),
        HopKind.DIED: ("dead", "it was given up"),
        HopKind.REDRIVEN: ("redriven", "by an operator: it is owed again"),
    }
    noted = [one for one in post.hops if one.kind is HopKind.ATTEMPTED or one.kind in words]
    for hop, after in pairwise([*noted, None]):
        if hop is None:
            continue
        if hop.kind is not HopKind.ATTEMPTED:
            name, says = words[hop.kind]
            yield Line(row=post.id, hop=name, says=says, at=hop.at)
            attempts = 0 if hop.kind is HopKind.REDRIVEN else attempts
            continue
        attempts += 1
        yield Line(row=post.id, hop="attempted", says=f"attempt {attempts}", at=hop.at)
        if after is not None and after.kind not in (HopKind.ABSENT, HopKind.DIED):
            says = f"of attempt {attempts} no outcome was written: in doubt, and looked for"
            yield Line(row=post.id, hop="doubted", says=says)


def _end(post: DeliveryHops, story: Story, why: Why) -> Iterator[Line]:
    noted = _noted(post)
    adapter = story.timeline.conversation.adapter
    if post.state == "sent":
        yield Line(row=post.id, hop="posted", says=f"at {post.reference}", at=post.settled_at)
        if post.hops:
            yield _once(post.id, "receipt", "committed", noted, HopKind.WRITTEN)
    elif post.settled_at is not None:
        yield Line(row=post.id, hop=post.state, says=post.reason, at=post.settled_at)
    elif post.state == "sending" and post.reason:
        yield Line(row=post.id, hop="posted", says=post.reason, open=True)
    else:
        trouble = why(f"adapter {adapter}")
        begun = f", {post.attempts} attempt(s), and none confirmed" if post.attempts else ""
        says = f"owed since {stamp(post.owed_at)}{begun}{f': {trouble}' if trouble else ''}"
        yield Line(row=post.id, hop="posted", says=says, open=True)
    for hop in noted.get(HopKind.GREW, []):
        says = f"more of it was shown, time {hop.detail}"
        yield Line(row=post.id, hop="grew", says=says, at=hop.at)


def _twins(story: Story) -> list[TwinHops]:
    ours = {delivery.id for delivery in story.deliveries}
    return [twin for twin in story.timeline.twins if twin.delivery in ours]


def _twin(twin: TwinHops) -> Iterator[Line]:
    yield Line(row=twin.delivery, hop="twin", says="a second copy was seen", at=twin.seen_at)
    if twin.removed_at is not None:
        yield Line(row=twin.delivery, hop="untwinned", says="it was removed", at=twin.removed_at)


def _on_the_way(story: Story) -> Iterator[Line]:
    """What befell the conversation between the first and the last hop."""
    timeline, until = story.timeline, _until(story)
    row = timeline.conversation.id
    found = [Line(row=row, hop="handoff", says=one.what, at=one.at) for one in timeline.befallen]
    for session in timeline.sessions:
        correlation = f", correlation id {session.correlation_id}" if session.correlation_id else ""
        says = f"session {session.number} was opened{correlation}"
        found.append(Line(row=row, hop="session", says=says, at=session.opened_at))
        if session.closed_at is not None:
            says = f"session {session.number} was left"
            found.append(Line(row=row, hop="session", says=says, at=session.closed_at))
    within = [line for line in found if line.at and story.began <= line.at <= until]
    yield from sorted(within, key=lambda line: line.at or until)


def _until(story: Story) -> datetime:
    hops = [row.hops for row in story.entries] + [row.hops for row in story.deliveries]
    known = [hop.at for each in hops for hop in each if hop.at is not None]
    known += [d.settled_at for d in story.deliveries if d.settled_at is not None]
    return max([*known, story.began])


def _unanswered(story: Story, why: Why) -> Iterator[Line]:
    """What PolyAI has, and nothing was said to yet."""
    agent = story.timeline.conversation.agent
    answered = {number for answer in story.answers.values() for number in answer.asks}
    for ask in story.deliveries:
        if ask.target == "agent" and ask.state == "sent" and ask.number not in answered:
            trouble = why(f"agent {agent}")
            says = f"no answer to it is known{f'; {trouble}' if trouble else ''}"
            yield Line(row=ask.id, hop="answered", says=says, open=True)


def _noted(row: EntryHops | DeliveryHops) -> dict[HopKind, list[Hop]]:
    noted: dict[HopKind, list[Hop]] = {}
    for hop in row.hops:
        noted.setdefault(hop.kind, []).append(hop)
    return noted


def _once(row: str, name: str, says: str, noted: dict[HopKind, list[Hop]], kind: HopKind) -> Line:
    """A hop that there certainly was, if only its instant is known."""
    hops = noted.get(kind)
    if not hops:
        return Line(row=row, hop=name, says=LOST)
    return Line(row=row, hop=name, says=says, at=hops[-1].at)


def _foreign(
    row: str, name: str, says: str, noted: dict[HopKind, list[Hop]], kind: HopKind
) -> Iterator[Line]:
    for hop in noted.get(kind, []):
        if hop.at is not None:
            yield Line(row=row, hop=name, says=says, at=hop.at, clock=POLYAI)


def _arrived(row: str, says: str, noted: dict[HopKind, list[Hop]]) -> Iterator[Line]:
    for hop in noted.get(HopKind.ARRIVED, []):
        yield Line(row=row, hop="read", says=says, at=hop.at)


def _session(noted: dict[HopKind, list[Hop]], kind: HopKind) -> str:
    hops = noted.get(kind, [])
    return f" of session {hops[-1].detail}" if hops else ""


def _sort(kind: str, noted: dict[HopKind, list[Hop]]) -> str:
    """Of what sort and how long it is."""
    shows = [hop.detail for hop in noted.get(HopKind.SHOWS, [])]
    sizes = [f"{hop.detail} characters" for hop in noted.get(HopKind.SIZE, [])]
    return ", ".join([" ".join([kind, *shows]), *sizes])


def stamp(at: datetime) -> str:
    """An instant in UTC, to the millisecond."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
