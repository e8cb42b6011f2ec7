"""What the Matrix adapter posts to a real Synapse, and what it makes of failure."""

from datetime import timedelta

import pytest

from adapters.matrix import PLUGIN
from adapters.matrix.rendering import TEXT_LIMIT
from bridge.errors import (
    CredentialsRefused,
    MaybeDelivered,
    Rejected,
    RetryLater,
    ThreadClosed,
    Unreachable,
)
from bridge.model.delivery import Receipt
from bridge.model.ids import PersonId
from bridge.model.messages import Notice, NoticeKind
from bridge.plugin import Signal, SignalKind
from bridge.testing.stand_in import Fault
from tests.contract.matrix_front import Matrix, matrix, until

__all__ = ["matrix"]

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(120)]

#: Those that are worst in bytes, in HTML, in JSON and in Markdown.
WORST = {
    "wide": "\U0001f600",
    "marked": "&",
    "quoted": '"',
    "tables": "|a|b|\n|-|-|\n|",
    "quotes": "> > > a\n\n",
    "lists": "- a\n",
}


async def test_a_reply_stands_in_its_thread_with_its_markup(matrix: Matrix) -> None:
    async with matrix.connected() as adapter:
        thread, root = await matrix.opened()
        receipt = await adapter.deliver(matrix.outbound(thread, "**Open** <b>now</b>"))

    event = (await matrix.people.events(matrix.room))[-1]
    assert event["event_id"] == receipt.reference
    assert event["content"]["body"] == "Open now"
    formatted = "<p><strong>Open</strong> <strong>now</strong></p>"
    assert event["content"]["formatted_body"] == formatted
    assert event["content"]["m.relates_to"]["event_id"] == root
    assert event["content"]["m.mentions"] == {}


async def test_the_same_delivery_twice_is_one_message(matrix: Matrix) -> None:
    async with matrix.connected() as adapter:
        thread, root = await matrix.opened()
        outbound = matrix.outbound(thread, "once")
        receipts = {await adapter.deliver(outbound) for _ in range(3)}

    assert len(receipts) == 1
    assert await matrix.shown(root) == ["once"]


async def test_an_edit_shows_the_new_words_twice_as_well_as_once_and_goes_back(
    matrix: Matrix,
) -> None:
    notice = Notice(NoticeKind.HANDOFF_JOINED, {"name": "Sam"})
    async with matrix.connected() as adapter:
        thread, root = await matrix.opened()
        receipt = await adapter.deliver(matrix.outbound(thread, "one"))
        for text in ("two", "two", "one", "two"):
            await adapter.revise(matrix.outbound(thread, text, "c.1"), receipt)
            assert await matrix.shown(root) == [text]
        await adapter.revise(matrix.outbound(thread, notice, "c.1"), receipt)

    assert await matrix.shown(root) == ["Sam has joined the conversation."]


async def test_a_delivery_is_found_by_its_mark_also_when_it_was_edited(matrix: Matrix) -> None:
    async with matrix.connected() as adapter:
        thread, _ = await matrix.opened()
        since = matrix.host.clock.now()
        outbound, other = matrix.outbound(thread, "here"), matrix.outbound(thread, "not here")
        receipt = await adapter.deliver(outbound)
        await adapter.revise(outbound, receipt)

        assert await adapter.find(outbound, since=since) == receipt
        ahead = since + timedelta(hours=1)  # our clock, before it was set right
        assert await adapter.find(outbound, since=ahead) == receipt
        assert await adapter.find(other, since=since) is None


async def test_a_second_copy_is_removed_and_told(matrix: Matrix) -> None:
    bot = matrix.people.bot
    async with matrix.connected() as adapter:
        thread, root = await matrix.opened()
        outbound = matrix.outbound(thread, "here")
        receipt = await adapter.deliver(outbound)
        content = (await matrix.people.events(matrix.room))[-1]["content"]
        path = f"rooms/{matrix.room}/send/m.room.message/another-token"
        copy = await matrix.people.call(bot, "PUT", path, content)

        assert await adapter.find(outbound, since=outbound.owed_at) == receipt

    assert await matrix.shown(root) == ["here"]
    assert matrix.host.doubles == [(outbound.id, Receipt(copy["event_id"]), True)]


@pytest.mark.parametrize("kind", WORST)
async def test_the_longest_text_of_the_worst_characters_is_posted_and_edited_whole(
    matrix: Matrix, kind: str
) -> None:
    text = (WORST[kind] * TEXT_LIMIT)[:TEXT_LIMIT]
    async with matrix.connected() as adapter:
        thread, root = await matrix.opened()
        outbound = matrix.outbound(thread, text)
        receipt = await adapter.deliver(outbound)
        before = await matrix.shown(root)
        await adapter.revise(outbound, receipt)

    assert before == await matrix.shown(root)
    if kind in {"wide", "marked", "quoted"}:
        assert before == [text]


@pytest.mark.parametrize(
    ("fault", "error", "arrived"),
    [
        (Fault.RATE_LIMITED, RetryLater, False),
        (Fault.REFUSED, Rejected, False),
        (Fault.LOST_ANSWER, MaybeDelivered, True),
        (Fault.LOST_REQUEST, MaybeDelivered, False),
    ],
)
async def test_each_failure_says_what_is_known(
    matrix: Matrix, fault: Fault, error: type[Exception], *, arrived: bool
) -> None:
    async with matrix.connected() as adapter:
        thread, root = await matrix.opened()
        outbound = matrix.outbound(thread, "x")
        await matrix.played.fail(fault)
        with pytest.raises(error) as caught:
            await adapter.deliver(outbound)
        found = await adapter.find(outbound, since=outbound.owed_at)
        shown = await matrix.shown(root)
        repeated = await adapter.deliver(outbound)

    if isinstance(caught.value, RetryLater):
        assert caught.value.after == timedelta(seconds=1)
    assert (found is not None) is arrived
    assert len(shown) == arrived
    assert found in (None, repeated)
    assert await matrix.shown(root) == ["x"]


async def test_a_homeserver_that_is_away_is_unreachable(matrix: Matrix) -> None:
    async with matrix.connected() as adapter:
        thread, _ = await matrix.opened()
        await matrix.played.leave()
        outbound = matrix.outbound(thread, "x")
        with pytest.raises(Unreachable):
            await adapter.deliver(outbound)
        with pytest.raises(Unreachable):
            await adapter.find(outbound, since=outbound.owed_at)
        await matrix.played.return_()


async def test_a_room_we_were_thrown_out_of_is_closed_and_one_where_we_are_mute_is_not(
    matrix: Matrix,
) -> None:
    async with matrix.connected() as adapter:
        thread, _ = await matrix.opened()
        ada = await matrix.people.person("ada")
        path = f"rooms/{matrix.room}/state/m.room.power_levels"
        levels = await matrix.people.call(ada, "GET", path)
        await matrix.people.call(ada, "PUT", path, levels | {"events_default": 50})
        with pytest.raises(Rejected) as mute:
            await adapter.deliver(matrix.outbound(thread, "x"))
        thrown = {"user_id": matrix.people.bot.user}
        await matrix.people.call(ada, "POST", f"rooms/{matrix.room}/kick", thrown)
        with pytest.raises(ThreadClosed):
            await adapter.deliver(matrix.outbound(thread, "y"))

    assert not isinstance(mute.value, ThreadClosed)


async def test_a_token_that_nobody_has_is_refused_and_a_good_one_says_whose_it_is(
    matrix: Matrix,
) -> None:
    wrong = PLUGIN.settings.model_validate(dict(matrix.played.wrong_settings))
    right = PLUGIN.settings.model_validate(dict(matrix.played.settings))
    with pytest.raises(CredentialsRefused):
        await PLUGIN.prove(wrong, matrix.http)
    with pytest.raises(CredentialsRefused):
        async with PLUGIN.connect(wrong, matrix.host):
            pass
    told = await PLUGIN.prove(right, matrix.http)

    assert told.startswith(f"{matrix.people.bot.user} (Poly) at http://127.0.0.1:")


async def test_a_token_that_is_revoked_ends_the_connection(matrix: Matrix) -> None:
    with pytest.RaisesGroup(CredentialsRefused):
        async with matrix.connected() as adapter:
            thread, _ = await matrix.opened()
            await matrix.people.call(matrix.people.bot, "POST", "logout", {})
            with pytest.raises(CredentialsRefused):
                await adapter.deliver(matrix.outbound(thread, "x"))
            await until(lambda: False)


async def test_typing_shows_in_the_room_until_it_is_cleared(matrix: Matrix) -> None:
    ada = await matrix.people.person("ada")

    async def typing(since: str) -> tuple[list[str], str]:
        told = await matrix.people.call(ada, "GET", f"sync?timeout=5000{since}")
        events = told["rooms"]["join"][matrix.room]["ephemeral"]["events"]
        listed = [e["content"]["user_ids"] for e in events if e["type"] == "m.typing"]
        return [user for users in listed for user in users], f"&since={told['next_batch']}"

    async with matrix.connected() as adapter:
        thread, _ = await matrix.opened()
        await adapter.signal(thread, Signal(SignalKind.THINKING))
        shown, since = await typing("")
        await adapter.signal(thread, Signal(SignalKind.CLEAR))
        cleared, _ = await typing(since)

    assert shown == [matrix.people.bot.user]
    assert cleared == []


async def test_people_are_known_by_their_display_names(matrix: Matrix) -> None:
    async with matrix.connected() as adapter:
        thread, _ = await matrix.opened()
        ada = await matrix.people.person("ada")

        assert await adapter.name_of(PersonId(ada.user), thread) == "ada"
        assert await adapter.name_of(PersonId("@nobody:bridge.test"), thread) is None
