"""Every wish has its keeper, and what is sent goes to the socket it was meant for."""

import msgspec

from bridge.core import events as e
from bridge.core.effects import Recycle, SendKind, Transmit
from bridge.model.ids import ConversationId
from bridge.runtime.deciding import Mail
from tests.unit.runtime.far_end import C1, FarEnd, played


async def test_nothing_is_kept_for_a_conversation_that_wishes_for_nothing(far: FarEnd) -> None:
    await far.connected()
    assert (far.sessions.open, len(far.sessions._keepers)) == (1, 1)
    await far.desk.tell(C1, Mail(e.SessionLost(1, ended=True)))
    await far.passes(1)
    assert (far.sessions.open, len(far.sessions._keepers)) == (0, 0)
    assert far.line.closed_by_us


async def test_a_frame_goes_out_on_the_socket_of_its_session_alone(far: FarEnd) -> None:
    line = await far.connected()
    before = len(line.sent)
    await far.sessions.transmit(C1, Transmit(2, SendKind.JOIN))
    await far.sessions.transmit(ConversationId("other"), Transmit(1, SendKind.JOIN))
    assert len(line.sent) == before
    await far.sessions.transmit(C1, Transmit(1, SendKind.END))
    assert len(line.sent) == before + 1


async def test_a_socket_is_recycled_for_its_own_session_alone(far: FarEnd) -> None:
    await far.connected()
    far.sessions.recycle(C1, Recycle(2))
    await far.passes(1)
    assert len(far.connects.at) == 1
    far.sessions.recycle(C1, Recycle(1))
    await far.passes(1)
    assert len(far.connects.at) == 2
    assert far.sessions.open == 1


async def test_a_conversation_without_its_agent_is_told(far: FarEnd) -> None:
    far.sessions._means.agents.clear()
    await far.say()
    assert far.told(e.SessionUnavailable) == [e.SessionUnavailable()]
    assert len(far.sessions._keepers) == 0


async def test_a_conversation_that_is_waited_for_connects_before_the_line() -> None:
    """After a restart many sockets are to be opened, and one is wanted at once."""
    async with played(per_second=1.0) as far:
        await far.connected(heartbeat_seconds=0)  # pings are answered
        names = [ConversationId(f"quiet-{number}") for number in range(100)]
        for name in names:
            far.desk.records[name, 1] = far.desk.records[C1, 1]
            far.desk.conversations[name] = msgspec.structs.replace(far.conversation, id=name)
            far.sessions.reconcile(far.desk.conversations[name])
        await far.passes(20)
        assert 20 <= far.sessions.open < 40
        wanted = msgspec.structs.replace(far.desk.conversations[names[-1]], wanted=True)
        far.desk.conversations[names[-1]] = wanted
        far.sessions.reconcile(wanted)
        await far.passes(3)
        assert far.sessions._keepers[names[-1]].connection is not None
        assert far.sessions._keepers[names[-2]].connection is None
        await far.passes(90)
        assert far.sessions.open == 101
