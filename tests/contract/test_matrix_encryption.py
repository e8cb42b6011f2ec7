"""Encrypted rooms on a real Synapse, with somebody whose client is not ours."""

import sys
from datetime import datetime, timedelta
from typing import Any

import pytest
import vodozemac
from nio import Api  # type: ignore[import-untyped]  # it ships no types

from adapters.matrix import PLUGIN
from adapters.matrix.encryption.machine import UNREAD
from adapters.matrix.encryption.waiting import PATIENCE
from adapters.matrix.invitations import ENCRYPTED
from bridge.clock import SystemClock
from bridge.errors import CredentialsRefused, MaybeDelivered
from bridge.model.inbound import Edited, Said
from bridge.testing.stand_in import Fault
from tests.contract.encrypting_person import Crypt, crypt
from tests.contract.matrix_front import Matrix, matrix, until

__all__ = ["crypt", "matrix"]

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(120)]


async def test_a_conversation_both_ways_with_edits(matrix: Matrix, crypt: Crypt) -> None:
    async with matrix.connected(encrypted_rooms=True) as adapter, crypt.first() as eve:
        room = await crypt.room()
        await crypt.with_bot(room)
        asked = await eve.say(room, "when do you open?")
        (said,) = await matrix.told(1)
        owed = matrix.outbound(said.thread, "at nine")
        receipt = await adapter.deliver(owed)
        source = await eve.reads("at nine")
        await adapter.revise(matrix.outbound(said.thread, "at ten"), receipt)
        edit = await eve.reads("at ten")
        relation = {"rel_type": "m.replace", "event_id": asked}
        new = {"msgtype": "m.text", "body": "when do you close?"}
        await eve.say(room, "* x", **{"m.relates_to": relation, "m.new_content": new})
        await matrix.told(2)
        found = await adapter.find(owed, since=owed.owed_at)

    assert matrix.bodies == [Said("when do you open?"), Edited(asked, "when do you close?")]
    assert said.identities == (asked,)
    assert source["event_id"] == receipt.reference
    assert edit["content"]["m.new_content"]["body"] == "at ten"
    assert found == receipt
    kinds = [event["type"] for event in await crypt.events(room)]
    assert "m.room.message" not in kinds
    assert not [key for key in matrix.host.memory.kept if key.startswith("unread")]
    secret = {key for key in matrix.host.memory.kept if key.startswith("encryption ")}
    assert secret - matrix.host.memory.secrets == {f"encryption room {room}"}


async def test_a_key_that_came_before_a_crash_and_comes_again_after_it_does_no_harm(
    matrix: Matrix, crypt: Crypt
) -> None:
    async with crypt.first() as eve:
        matrix.host.failing = 1_000_000
        async with matrix.connected(encrypted_rooms=True):
            room = await crypt.room()
            await crypt.with_bot(room)
            await eve.say(room, "one")
            await until(lambda: matrix.host.failing < 1_000_000)
        matrix.host.failing = 0
        async with matrix.connected(encrypted_rooms=True) as adapter:
            (said,) = await matrix.told(1)
            eve.begin_anew(room)
            await eve.say(room, "two")
            await matrix.told(2)
            await adapter.deliver(matrix.outbound(said.thread, "both"))
            await eve.reads("both")

    assert matrix.bodies == [Said("one"), Said("two")]


async def test_in_a_room_of_several_a_mention_opens_a_thread_and_is_answered_there(
    matrix: Matrix, crypt: Crypt
) -> None:
    async with matrix.connected(encrypted_rooms=True) as adapter, crypt.first() as eve:
        room = await crypt.room("ben")
        await crypt.with_bot(room)
        await eve.say(room, "lunch?")
        root = await eve.say(room, "Poly: when do you open?")
        (said,) = await matrix.told(1)
        await adapter.deliver(matrix.outbound(said.thread, "at nine"))
        answer = await eve.reads("at nine")

    assert (said.thread, said.body, said.opens) == (
        f"{room} {root}",
        Said("when do you open?"),
        True,
    )
    (sealed,) = [one for one in await crypt.events(room) if one["event_id"] == answer["event_id"]]
    relation = sealed["content"]["m.relates_to"]
    assert (relation["rel_type"], relation["event_id"]) == ("m.thread", root)


async def test_what_was_sealed_for_us_before_we_followed_an_invitation_is_read(
    matrix: Matrix, crypt: Crypt
) -> None:
    async with matrix.connected(encrypted_rooms=True):
        pass
    async with crypt.first() as eve:
        await eve.say(await crypt.room(), "are you there?")
        async with matrix.connected(encrypted_rooms=True):
            await matrix.told(1)

    assert matrix.bodies == [Said("are you there?")]


async def test_a_lost_answer_is_in_doubt_is_found_and_sent_again_is_the_same_message(
    matrix: Matrix, crypt: Crypt
) -> None:
    async with matrix.connected(encrypted_rooms=True) as adapter, crypt.first() as eve:
        room = await crypt.room()
        await crypt.with_bot(room)
        await eve.say(room, "hello")
        (said,) = await matrix.told(1)
        owed = matrix.outbound(said.thread, "hello, Eve")
        await matrix.played.fail(Fault.LOST_ANSWER)
        with pytest.raises(MaybeDelivered):
            await adapter.deliver(owed)
        found = await adapter.find(owed, since=owed.owed_at)
        again = await adapter.deliver(owed)
        await eve.reads("hello, Eve")
        await eve.look()

    assert found == again
    assert [one["content"]["body"] for one in eve.read].count("hello, Eve") == 1


async def test_the_longest_text_fits_sealed_and_as_an_edit(matrix: Matrix, crypt: Crypt) -> None:
    settings = PLUGIN.settings.model_validate({**matrix.played.settings, "encrypted_rooms": True})
    limit = PLUGIN.tuned(settings, PLUGIN.capabilities).text_limit
    async with matrix.connected(encrypted_rooms=True) as adapter, crypt.first() as eve:
        room = await crypt.room()
        await crypt.with_bot(room)
        await eve.say(room, "hello")
        (said,) = await matrix.told(1)
        receipt = await adapter.deliver(matrix.outbound(said.thread, "\U0001f600" * limit))
        await eve.reads("\U0001f600" * limit)
        edit = "**" + "\U0001f601" * (limit - 4) + "**"
        await adapter.revise(matrix.outbound(said.thread, edit), receipt)
        source = await eve.reads("* \U0001f601")

    assert source["content"]["m.new_content"]["body"].count("\U0001f601") == limit - 4


async def test_after_a_restart_everything_goes_on_by_sessions_of_which_no_state_is_used_again(
    matrix: Matrix, crypt: Crypt
) -> None:
    async with crypt.first() as eve:
        async with matrix.connected(encrypted_rooms=True) as adapter:
            room = await crypt.room()
            await crypt.with_bot(room)
            await eve.say(room, "one")
            (said,) = await matrix.told(1)
            await adapter.deliver(matrix.outbound(said.thread, "first"))
            await eve.reads("first")
        await eve.say(room, "two")
        async with matrix.connected(encrypted_rooms=True) as adapter:
            await matrix.told(2)
            await adapter.deliver(matrix.outbound(said.thread, "second"))
            await eve.reads("second")
            eve.begin_anew(room)
            await eve.say(room, "three")
            await matrix.told(3)

    assert matrix.bodies == [Said("one"), Said("two"), Said("three")]
    assert eve.unread == []
    bot = matrix.people.bot.user
    sessions = [
        event["content"]["session_id"]
        for event in await crypt.events(room)
        if event["sender"] == bot and event["type"] == "m.room.encrypted"
    ]
    assert len(sessions) == len(set(sessions)) == 2


async def test_a_new_device_reads_what_comes_after_it_and_no_more_when_it_is_gone(
    matrix: Matrix, crypt: Crypt
) -> None:
    async with matrix.connected(encrypted_rooms=True) as adapter, crypt.first() as eve:
        room = await crypt.room()
        await crypt.with_bot(room)
        await eve.say(room, "hello")
        (said,) = await matrix.told(1)
        await adapter.deliver(matrix.outbound(said.thread, "before"))
        await eve.reads("before")
        async with await crypt.further() as other:
            await eve.say(room, "a sign that the bot heard of the other device")
            await matrix.told(2)
            await adapter.deliver(matrix.outbound(said.thread, "for both"))
            await other.reads("for both")
            await eve.reads("for both")
            assert "before" not in [one["content"]["body"] for one in other.read]
            await other.log_out()
        await eve.say(room, "a sign that the bot heard that it is gone")
        await matrix.told(3)
        await adapter.deliver(matrix.outbound(said.thread, "for one"))
        await eve.reads("for one")

    bot = matrix.people.bot.user
    *_, last, latest = [
        event["content"]["session_id"]
        for event in await crypt.events(room)
        if event["sender"] == bot and event["type"] == "m.room.encrypted"
    ]
    assert last != latest


async def test_a_room_that_becomes_encrypted_goes_on_as_the_same_conversation(
    matrix: Matrix, crypt: Crypt
) -> None:
    async with matrix.connected(encrypted_rooms=True) as adapter, crypt.first() as eve:
        room = await crypt.room(encrypted=False)
        await crypt.with_bot(room)
        await eve.say(room, "in the open")
        (said,) = await matrix.told(1)
        await adapter.deliver(matrix.outbound(said.thread, "open"))
        await crypt.encrypt(room)
        await eve.look()
        await eve.say(room, "between us")
        await matrix.told(2)
        await adapter.deliver(matrix.outbound(said.thread, "secret"))
        await eve.reads("secret")

    assert matrix.bodies == [Said("in the open"), Said("between us")]
    assert {inbound.thread for inbound in matrix.host.accepted} == {said.thread}
    bodies = [event["content"].get("body") for event in await crypt.events(room)]
    assert "open" in bodies
    assert "secret" not in bodies


class _HurriedClock(SystemClock):
    """Real, and as far ahead as it is told."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.mark.parametrize("comes", [True, False], ids=["late", "never"])
async def test_a_message_waits_for_its_key_across_a_restart_and_if_it_never_comes_they_are_told(
    matrix: Matrix, crypt: Crypt, *, comes: bool
) -> None:
    clock = matrix.host.clock = _HurriedClock()
    async with crypt.first() as eve:
        async with matrix.connected(encrypted_rooms=True):
            room = await crypt.room()
            await crypt.with_bot(room)
            crypt.front.holding = True
            await eve.say(room, "can you read me?")
            kept = matrix.host.memory.kept
            await until(lambda: any(key.startswith("unread ") for key in kept))
        async with matrix.connected(encrypted_rooms=True):
            await crypt.front.release() if comes else setattr(clock, "ahead", PATIENCE)
            eve.begin_anew(room)
            crypt.front.holding = False
            await eve.say(room, "and now?")
            if comes:
                await matrix.told(2)
            else:
                await eve.reads(UNREAD)
            await until(lambda: not any(key.startswith("unread ") for key in kept))

    words = {inbound.body for inbound in matrix.host.accepted}
    assert words == {Said("can you read me?"), Said("and now?")} if comes else {Said("and now?")}


async def test_a_device_whose_session_with_us_is_lost_is_met_again(
    matrix: Matrix, crypt: Crypt
) -> None:
    kept = matrix.host.memory.kept
    async with matrix.connected(encrypted_rooms=True) as adapter, crypt.first() as eve:
        room = await crypt.room()
        await crypt.with_bot(room)
        await eve.say(room, "hello")
        (said,) = await matrix.told(1)
        await adapter.deliver(matrix.outbound(said.thread, "hello, Eve"))
        await eve.reads("hello, Eve")
        for key in [one for one in kept if one.startswith("encryption peer ")]:
            del kept[key]
        eve.begin_anew(room)
        lost = await eve.say(room, "lost")
        await until(lambda: f"unread {lost}" in kept)
        await until(lambda: any(one.startswith("encryption peer ") for one in kept))
        await eve.look()
        eve.begin_anew(room)
        await eve.say(room, "found")
        await matrix.told(2)

    assert matrix.bodies == [Said("hello"), Said("found")]


async def test_where_the_keys_cannot_be_unsealed_the_adapter_does_not_start(
    matrix: Matrix,
) -> None:
    async with matrix.connected(encrypted_rooms=True):
        pass
    for key in matrix.host.memory.secrets:
        del matrix.host.memory.kept[key]  # what another `database.encryption_key` comes to

    with pytest.raises(CredentialsRefused, match=r"database\.encryption_key"):
        async with matrix.connected(encrypted_rooms=True):
            pass


async def test_without_the_extra_encrypted_rooms_are_refused(
    matrix: Matrix, crypt: Crypt, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [one for one in sys.modules if one.startswith("adapters.matrix.encryption")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "vodozemac", None)

    async def refused() -> bool:
        bodies = [event["content"].get("body") for event in await crypt.events(room)]
        return ENCRYPTED in bodies

    async with matrix.connected(encrypted_rooms=True):
        room = await crypt.room()
        await until(refused)
    settings = PLUGIN.settings.model_validate({**matrix.played.settings, "encrypted_rooms": True})
    proof = await PLUGIN.prove(settings, matrix.http)

    assert "install polyai-bridge[matrix-encrypted]" in proof


async def test_the_account_vouches_for_its_device(matrix: Matrix, crypt: Crypt) -> None:
    for _ in range(2):
        async with matrix.connected(encrypted_rooms=True):
            pass
    told = await crypt.keys_of(matrix.people.bot.user)
    bot = matrix.people.bot.user
    master, signer = told["master_keys"][bot], told["self_signing_keys"][bot]
    (device,) = told["device_keys"][bot].values()

    assert _signed_by(_key_of(master), bot, signer)
    assert _signed_by(_key_of(signer), bot, device)


def _key_of(described: dict[str, Any]) -> str:
    (key,) = described["keys"].values()
    return str(key)


def _signed_by(key: str, user: str, told: dict[str, Any]) -> bool:
    plain = {k: v for k, v in told.items() if k not in {"signatures", "unsigned"}}
    signature = vodozemac.Ed25519Signature.from_base64(told["signatures"][user][f"ed25519:{key}"])
    signer = vodozemac.Ed25519PublicKey.from_base64(key)
    signer.verify_signature(Api.to_canonical_json(plain).encode(), signature)
    return True
