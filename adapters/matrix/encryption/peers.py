"""How is something said to one device alone? Olm: what carries the keys of rooms.

By the specification: client-server API, "m.olm.v1.curve25519-aes-sha2".
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import vodozemac

from adapters.matrix.calls import parsed
from adapters.matrix.encryption.records import Records
from adapters.matrix.encryption.signing import (
    OLM,
    ONE_TIME,
    Device,
    canonical,
    mapping,
    padded,
    signed,
    unpadded,
)
from bridge.errors import DatabaseFailed
from bridge.model.value import Value


class Unreadable(Exception):
    """It cannot be opened, by this state; a new session may help, if its sender uses it."""


class Received(Value, frozen=True):
    """What a device said to us, opened."""

    sender: str
    kind: str
    content: dict[str, Any]


#: Makes what was received safe.
Taker = Callable[[Received], Awaitable[None]]


class _Opened(Value, frozen=True):
    text: bytes
    sessions: list[vodozemac.Session]
    account: vodozemac.Account | None  #: if it changed


class Peers:
    """Our sessions with other devices; one change at a time."""

    def __init__(self, records: Records, me: Device) -> None:
        self._records = records
        self._me = me
        self._lock = asyncio.Lock()

    async def receive(self, event: Mapping[str, Any], take: Taker) -> None:
        """Open a message to us, `take` what it says, and keep that it was opened; in this order.

        For a message is opened once: what it says must be safe before.

        Raises:
            Unreadable: it cannot be opened, or is not what it says.
            DatabaseFailed: it is not kept, and comes again.
        """
        content = mapping(event.get("content"))
        curve, ours = content.get("sender_key"), mapping(content.get("ciphertext"))
        sealed = mapping(ours.get(self._me.curve))
        if not isinstance(curve, str) or content.get("algorithm") != OLM or not sealed:
            raise Unreadable
        async with self._lock:
            opened = await self._opened(curve, sealed)
            received = self._read(opened.text, event.get("sender"))
            if received is not None:
                await take(received)
            await self._records.keep_sessions(curve, opened.sessions)
            if opened.account is not None:
                await self._records.keep_account(opened.account)

    async def knows(self, device: Device) -> bool:
        """Whether there is a session with it."""
        return bool(await self._records.sessions(device.curve))

    async def meet(self, device: Device, one_time_key: str) -> None:
        """Begin a new session with a device, by a key that was claimed of it.

        Raises:
            ValueError: a key is none.
        """
        async with self._lock:
            account = await self._account()
            session = account.create_outbound_session(
                vodozemac.Curve25519PublicKey.from_base64(device.curve),
                vodozemac.Curve25519PublicKey.from_base64(one_time_key),
            )
            known = await self._records.sessions(device.curve)
            await self._records.keep_sessions(device.curve, [session, *known])

    async def seal(self, device: Device, kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """What is sent to a device that we know; the state behind it is kept before it returns."""
        told = {
            "sender": self._me.user,
            "sender_device": self._me.id,
            "keys": {"ed25519": self._me.ed},
            "recipient": device.user,
            "recipient_keys": {"ed25519": device.ed},
            "type": kind,
            "content": content,
        }
        async with self._lock:
            sessions = await self._records.sessions(device.curve)
            number, sealed = sessions[0].encrypt(canonical(told)).to_parts()
            await self._records.keep_sessions(device.curve, sessions)
        return {
            "algorithm": OLM,
            "sender_key": self._me.curve,
            "ciphertext": {device.curve: {"type": number, "body": unpadded(sealed)}},
        }

    async def offer(self, left: int) -> dict[str, Any]:
        """Keys to be claimed, if few are `left`; the same until they are `offered`."""
        async with self._lock:
            account = await self._account()
            wanted = account.max_number_of_one_time_keys
            if not account.one_time_keys and left < wanted // 2:
                account.generate_one_time_keys(wanted - max(left, 0))
                await self._records.keep_account(account)
        return {
            f"{ONE_TIME}:{name}": signed(account, self._me.user, self._me.id, _key(key))
            for name, key in account.one_time_keys.items()
        }

    async def offered(self) -> None:
        """The homeserver has them."""
        async with self._lock:
            account = await self._account()
            account.mark_keys_as_published()
            await self._records.keep_account(account)

    async def _account(self) -> vodozemac.Account:
        account = await self._records.account()
        if account is None:
            raise DatabaseFailed("the keys of the device are gone")
        return account

    async def _opened(self, curve: str, sealed: Mapping[str, Any]) -> _Opened:
        sessions = await self._records.sessions(curve)
        try:
            number = 0 if sealed.get("type") == 0 else 1
            message = vodozemac.AnyOlmMessage.from_parts(number, padded(str(sealed.get("body"))))
            first = message.to_pre_key()
            if first is not None and not any(each.session_matches(first) for each in sessions):
                return await self._met(curve, first, sessions)
            return _by_one_of(sessions, message)
        except ValueError as error:
            raise Unreadable from error

    async def _met(
        self, curve: str, first: vodozemac.PreKeyMessage, known: list[vodozemac.Session]
    ) -> _Opened:
        account = await self._account()
        key = vodozemac.Curve25519PublicKey.from_base64(curve)
        session, text = account.create_inbound_session(key, first)
        return _Opened(text, [session, *known], account)

    def _read(self, text: bytes, sender: object) -> Received | None:
        """What it says, if it was meant for us and is by whom the homeserver says it is."""
        told = mapping(parsed(text.decode(errors="replace")))
        meant = (told.get("recipient"), mapping(told.get("recipient_keys")).get("ed25519"))
        kind, content = told.get("type"), told.get("content")
        if meant != (self._me.user, self._me.ed) or told.get("sender") != sender:
            return None
        if not isinstance(kind, str) or not isinstance(content, dict):
            return None
        return Received(str(sender), kind, content)


def _by_one_of(sessions: list[vodozemac.Session], message: vodozemac.AnyOlmMessage) -> _Opened:
    """Opened by one of the sessions, which comes to the front; raises ValueError if by none."""
    for place, session in enumerate(sessions):
        try:
            text = session.decrypt(message)
        except ValueError:
            continue
        return _Opened(text, [session, *sessions[:place], *sessions[place + 1 :]], None)
    raise ValueError("none of the sessions opens it")


def _key(key: vodozemac.Curve25519PublicKey) -> dict[str, str]:
    return {"key": key.to_base64()}
