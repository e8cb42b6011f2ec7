"""What is remembered of keys."""

import vodozemac

from adapters.matrix.encryption.records import Records
from bridge.testing.host import PlayedMemory

ROOM, ANN, BOB = "!room:example.org", "@ann:example.org", "@bob:example.org"


def given(group: vodozemac.GroupSession) -> vodozemac.InboundGroupSession:
    return vodozemac.InboundGroupSession(vodozemac.SessionKey(group.session_key.to_base64()))


async def test_a_rooms_key_is_never_replaced_by_one_that_opens_less() -> None:
    records = Records(PlayedMemory(), "D")
    group = vodozemac.GroupSession()
    early = given(group)
    sealed = vodozemac.MegolmMessage.from_base64(group.encrypt(b"hello").to_base64())
    for key in (given(group), early, given(group)):
        await records.keep_room_key(ROOM, ANN, key)
    kept = await records.room_key(ROOM, group.session_id, ANN)

    assert kept is not None
    assert kept.decrypt(sealed).plaintext == b"hello"


async def test_who_passes_on_anothers_key_cannot_speak_for_them() -> None:
    records = Records(PlayedMemory(), "D")
    group = vodozemac.GroupSession()
    await records.keep_room_key(ROOM, BOB, given(group))

    assert await records.room_key(ROOM, group.session_id, ANN) is None


async def test_everything_that_opens_anything_is_sealed_at_rest() -> None:
    memory = PlayedMemory()
    records = Records(memory, "D")
    account = vodozemac.Account()
    await records.keep_account(account)
    await records.keep_room_key(ROOM, ANN, given(vodozemac.GroupSession()))
    await records.keep_sessions("curve", [])
    await records.keep_encrypted(ROOM)

    assert set(memory.kept) - memory.secrets == {f"encryption room {ROOM}"}
    assert await records.encrypted_rooms() == {ROOM}
