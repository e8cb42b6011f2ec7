"""What the Matrix adapter hears from a real Synapse."""

import asyncio
from typing import Any

import pytest

from adapters.matrix.invitations import ENCRYPTED
from adapters.matrix.rendering import MARK
from bridge.model.inbound import Clicked, Deleted, Edited, Said, ThreadGone
from tests.contract.matrix_front import Matrix, matrix, until

__all__ = ["matrix"]

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(120)]

ENCRYPTION: dict[str, Any] = {
    "type": "m.room.encryption",
    "state_key": "",
    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
}


async def test_a_mention_opens_a_thread_under_it_and_answers_there_need_none(
    matrix: Matrix,
) -> None:
    async with matrix.connected():
        await matrix.people.send(matrix.room, "ben", {"msgtype": "m.text", "body": "lunch?"})
        uttered = await matrix.played.say("when do you open?")
        await matrix.played.say("on Sunday", thread=uttered.thread, person="ben")
        first, second = await matrix.told(2)

    assert (first.body, first.opens, first.person.name) == (Said("when do you open?"), True, "ada")
    assert (second.body, second.opens, second.person.name) == (Said("on Sunday"), False, "ben")
    assert first.thread == second.thread == f"{matrix.room} {uttered.id}"
    assert first.identities == (uttered.id,)
    assert first.order < second.order
    assert (first.place, first.account) == (matrix.room, "bridge.test")


async def test_a_room_for_two_is_one_conversation_and_each_message_opens(matrix: Matrix) -> None:
    room = await matrix.people.room("ada")
    async with matrix.connected():
        for text in ("hi", "still me"):
            await matrix.people.send(room, "ada", {"msgtype": "m.text", "body": text})
        first, second = await matrix.told(2)

    assert first.thread == second.thread == room
    assert first.opens
    assert second.opens


async def test_what_was_said_while_we_were_away_comes_in_order_be_it_more_than_one_answer_holds(
    matrix: Matrix,
) -> None:
    await matrix.played.say("before the first start")
    async with matrix.connected():
        thread, root = await matrix.opened()
    for n in range(120):
        await matrix.played.say(f"n{n}", thread=root)
    async with matrix.connected():
        accepted = await matrix.told(121)

    assert matrix.bodies[1:] == [Said(f"n{n}") for n in range(120)]
    assert {inbound.thread for inbound in accepted} == {thread}
    orders = [inbound.order for inbound in accepted]
    assert orders == sorted(set(orders))


async def test_the_first_start_begins_now(matrix: Matrix) -> None:
    await matrix.played.say("long ago")
    async with matrix.connected():
        await matrix.played.say("now")
        await matrix.told(1)

    assert matrix.bodies == [Said("now")]


async def test_what_cannot_be_stored_is_not_acknowledged_and_comes_again(matrix: Matrix) -> None:
    matrix.host.failing = 2
    async with matrix.connected():
        uttered = await matrix.played.say("hello")
        await until(lambda: matrix.host.failing == 0)
        assert not await matrix.played.taken(uttered)
        await matrix.told(1)
        await until(lambda: matrix.played.taken(uttered))

    assert matrix.bodies == [Said("hello")]


async def test_nothing_is_remembered_before_it_is_stored(matrix: Matrix) -> None:
    async with matrix.connected():
        matrix.host.failing = 1_000_000
        await matrix.played.say("hello")
        await until(lambda: matrix.host.failing < 1_000_000)
    matrix.host.failing = 0
    async with matrix.connected():
        await matrix.told(1)

    assert matrix.bodies == [Said("hello")]


async def test_what_is_told_twice_has_the_same_identity(matrix: Matrix) -> None:
    async with matrix.connected():
        uttered = await matrix.played.say("hello")
        await until(lambda: matrix.played.taken(uttered))
        await matrix.played.repeat(uttered)
        first, second = await matrix.told(2)

    assert first.identities == second.identities


async def test_our_own_words_and_those_of_bots_are_not_heard(matrix: Matrix) -> None:
    async with matrix.connected() as adapter:
        thread, root = await matrix.opened()
        await adapter.deliver(matrix.outbound(thread, "Poly: hello, Poly"))
        relation = {"rel_type": "m.thread", "event_id": root}
        notice = {"msgtype": "m.notice", "body": "Poly: beep", "m.relates_to": relation}
        await matrix.people.send(matrix.room, "ben", notice)
        await matrix.played.say("after", thread=root)
        await matrix.told(2)

    assert matrix.bodies == [Said("hello"), Said("after")]


@pytest.mark.parametrize("again", [False, True], ids=["at-once", "after-a-restart"])
async def test_changes_and_deletions_name_the_message_they_are_about(
    matrix: Matrix, *, again: bool
) -> None:
    connection = matrix.connected()
    await connection.__aenter__()
    thread, root = await matrix.opened()
    answer = await matrix.played.say("to Paris", thread=root)
    await matrix.told(2)
    matrix.host.threads = [thread]
    if again:
        await connection.__aexit__(None, None, None)
        connection = matrix.connected()
        await connection.__aenter__()
    await matrix.played.correct(answer, "to Rome")
    await matrix.told(3)
    await matrix.played.take_back(answer)
    accepted = await matrix.told(4)
    await connection.__aexit__(None, None, None)

    assert matrix.bodies[2:] == [Edited(answer.id, "to Rome"), Deleted(answer.id)]
    assert {inbound.thread for inbound in accepted} == {thread}


async def test_nobody_puts_words_into_anothers_mouth(matrix: Matrix) -> None:
    async with matrix.connected():
        _, root = await matrix.opened()
        relation = {"rel_type": "m.replace", "event_id": root}
        new = {"msgtype": "m.text", "body": "cancel it all"}
        edit = new | {"m.new_content": new, "m.relates_to": relation}
        await matrix.people.send(matrix.room, "ben", edit)
        await matrix.played.say("after", thread=root)
        await matrix.told(2)

    assert matrix.bodies == [Said("hello"), Said("after")]


async def test_a_keycap_on_a_message_of_ours_chooses_and_on_another_does_not(
    matrix: Matrix,
) -> None:
    async with matrix.connected() as adapter:
        thread, root = await matrix.opened()
        outbound = matrix.outbound(thread, "Which?\n\n1. this\n2. that")
        receipt = await adapter.deliver(outbound)
        await matrix.people.react(matrix.room, "ben", root, "2️⃣")
        forged = {"msgtype": "m.text", "body": "x", MARK: outbound.id}
        forgery = await matrix.people.send(matrix.room, "ada", forged)
        await matrix.people.react(matrix.room, "ben", forgery, "1️⃣")
        await matrix.people.react(matrix.room, "ben", receipt.reference, "👍")
        await matrix.people.react(matrix.room, "ben", receipt.reference, "2️⃣")
        accepted = await matrix.told(2)

    assert matrix.bodies[1:] == [Clicked(outbound.id, 1)]
    assert accepted[1].thread == thread


async def test_an_invitation_is_followed_and_what_was_said_since_is_heard(matrix: Matrix) -> None:
    room = await matrix.people.room("ada", called=False)
    await matrix.people.send(room, "ada", {"msgtype": "m.text", "body": "history"})
    async with matrix.connected():
        await matrix.people.invite(room, "ada")
        await matrix.people.send(room, "ada", {"msgtype": "m.text", "body": "are you there?"})
        await matrix.told(1)

    assert matrix.bodies == [Said("are you there?")]
    assert matrix.host.accepted[0].opens


async def test_all_that_was_said_since_an_invitation_is_heard_be_it_more_than_one_answer_holds(
    matrix: Matrix,
) -> None:
    room = await matrix.people.room("ada", called=False)
    await matrix.people.send(room, "ada", {"msgtype": "m.text", "body": "history"})
    async with matrix.connected():
        pass
    await matrix.people.invite(room, "ada")
    for n in range(70):
        await matrix.people.send(room, "ada", {"msgtype": "m.text", "body": f"n{n}"})
    async with matrix.connected():
        await until(lambda: Said("n69") in matrix.bodies)

    assert matrix.bodies == [Said(f"n{n}") for n in range(70)]


async def test_an_invitation_by_a_stranger_is_declined(matrix: Matrix) -> None:
    room = await matrix.people.room("ada", called=False)

    async def declined() -> bool:
        return [
            e["content"].get("membership")
            for e in await matrix.people.events(room)
            if e.get("state_key") == matrix.people.bot.user
        ] == ["invite", "leave"]

    async with matrix.connected(invites=["@boss:bridge.test", "example.org"]):
        await matrix.people.invite(room, "ada")
        await until(declined)


async def test_an_encrypted_room_is_refused_in_one_sentence(matrix: Matrix) -> None:
    await matrix.people.person("ada")
    room = await matrix.people.room("ada", called=False, initial_state=[ENCRYPTION])

    async def left() -> bool:
        events = await matrix.people.events(room)
        ours = [e for e in events if e.get("state_key") == matrix.people.bot.user]
        return bool(ours) and ours[-1]["content"]["membership"] == "leave"

    async with matrix.connected():
        await matrix.people.invite(room, "ada")
        await until(left)

    said = [one.text for one in await matrix.people.read(room)]
    assert said == [ENCRYPTED]


async def test_a_room_that_becomes_encrypted_is_left_and_its_threads_are_over(
    matrix: Matrix,
) -> None:
    async with matrix.connected():
        thread, _ = await matrix.opened()
        matrix.host.threads = [thread]
        ada = await matrix.people.person("ada")
        path = f"rooms/{matrix.room}/state/m.room.encryption"
        await matrix.people.call(ada, "PUT", path, ENCRYPTION["content"])
        accepted = await matrix.told(2)

    assert accepted[1].body == ThreadGone()
    assert accepted[1].thread == thread
    assert ENCRYPTED in [one.text for one in await matrix.people.read(matrix.room)]


async def test_where_we_are_thrown_out_each_thread_is_over(matrix: Matrix) -> None:
    async with matrix.connected():
        thread, _ = await matrix.opened()
        matrix.host.threads = [thread]
        ada = await matrix.people.person("ada")
        thrown = {"user_id": matrix.people.bot.user, "reason": "enough"}
        await matrix.people.call(ada, "POST", f"rooms/{matrix.room}/kick", thrown)
        accepted = await matrix.told(2)

    assert (accepted[1].body, accepted[1].thread) == (ThreadGone(), thread)


async def test_while_the_homeserver_is_away_it_says_so_and_goes_on_afterwards(
    matrix: Matrix,
) -> None:
    async with matrix.connected():
        _, root = await matrix.opened()
        await matrix.played.leave()
        await until(lambda: matrix.host.reports[-1] is False)
        await matrix.played.say("still there?", thread=root)
        await matrix.played.return_()
        await matrix.told(2)
        await until(lambda: matrix.host.reports[-1] is True)

    assert matrix.bodies[1:] == [Said("still there?")]


async def test_leaving_ends_the_poll_at_once_and_leaves_no_task(matrix: Matrix) -> None:
    async with matrix.connected():
        await matrix.opened()
        tasks = asyncio.all_tasks()

    left = {task.get_name() for task in asyncio.all_tasks() & tasks}
    assert "matrix-sync" not in left
