"""Does the webhook adapter believe its system alone, lose nothing, and refuse with reasons?"""

import gzip
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from adapters.webhook.inbound import BODY_LIMIT
from adapters.webhook.told import TEXT_LIMIT
from bridge.clock import wall_time
from bridge.model.ids import DeliveryId
from bridge.model.inbound import (
    CancelAsked,
    Clicked,
    Deleted,
    Edited,
    EndAsked,
    InboundBody,
    PersonAsked,
    RetryAsked,
    Said,
    StartAsked,
    StatusAsked,
    ThreadGone,
)
from bridge.plugin.signing import SIGNATURE, TIMESTAMP, signature, signed
from bridge.runtime.adapters.routes import BODY_LIMIT as LISTENER_LIMIT
from tests.contract.webhook_front import HELLO, SECRET, Front, eventually, fronted

BODY = json.dumps(HELLO).encode()
D = DeliveryId("c1.4")


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    async with fronted() as served:
        yield served


@pytest.mark.parametrize(
    ("parts", "body", "opens"),
    [
        ({}, Said("hello"), True),
        ({"opens": False}, Said("hello"), False),
        ({"kind": "choice", "delivery": D, "index": 1}, Clicked(D, 1), False),
        ({"kind": "choice", "delivery": D, "index": 1, "mark": "0a"}, Clicked(D, 1, "0a"), False),
        ({"kind": "end"}, EndAsked(), False),
        ({"kind": "start"}, StartAsked(), True),
        ({"kind": "start", "delivery": D}, StartAsked(D), True),
        ({"kind": "retry", "delivery": D}, RetryAsked(D), False),
        ({"kind": "cancel", "delivery": D}, CancelAsked(D), False),
        ({"kind": "person"}, PersonAsked(), True),
        ({"kind": "status"}, StatusAsked(), False),
        ({"kind": "edited", "original": "0", "text": "x"}, Edited("said t 0", "x"), False),
        ({"kind": "deleted", "original": "0"}, Deleted("said t 0"), False),
        ({"kind": "closed"}, ThreadGone(), False),
    ],
)
async def test_each_kind_is_taken_for_what_it_means(
    front: Front, parts: dict[str, Any], body: InboundBody, opens: bool
) -> None:
    told = {name: value for name, value in HELLO.items() if name != "text"} if parts else HELLO
    if parts.get("kind") in (None, "edited"):
        told = {"text": "hello", **told}
    status, _, answered = await front.post(json.dumps({**told, **parts}).encode())
    assert (status, answered) == (200, {"accepted": "new"})
    (inbound,) = front.host.accepted
    assert (inbound.body, inbound.opens) == (body, opens)
    name = f"{parts.get('kind', 'said')} t 1"
    assert (inbound.thread, inbound.identities, inbound.person.id) == ("t", (name,), "ann")


async def test_what_is_told_twice_is_known(front: Front) -> None:
    assert await front.tell() == (200, {"accepted": "new"})
    assert await front.tell() == (200, {"accepted": "known"})


async def test_systems_that_count_in_each_thread_anew_lose_nothing(front: Front) -> None:
    for thread in ("t", "u"):
        assert await front.tell(thread=thread) == (200, {"accepted": "new"})
    told = {"kind": "deleted", "original": "1", "text": None}
    deletion = {name: value for name, value in {**HELLO, **told}.items() if value is not None}
    for answered in ("new", "known"):
        _, _, accepted = await front.post(json.dumps(deletion).encode())
        assert accepted == {"accepted": answered}
    first, *_, deleted = front.host.accepted
    assert deleted.body == Deleted(first.identities[0])


@pytest.mark.parametrize("ids", [("a b", "c"), ("a", "b c")])
async def test_no_two_names_can_be_made_one(front: Front, ids: tuple[str, str]) -> None:
    thread, name = ids
    assert (await front.tell(thread=thread, id=name))[0] == 400


async def test_half_a_character_costs_nobody_the_rest(front: Front) -> None:
    body = json.dumps({**HELLO, "text": "so \ud83d"}).encode()
    assert (await front.post(body))[0] == 200
    assert front.host.accepted[0].body == Said("so ?")


async def test_what_cannot_be_stored_is_not_acknowledged_and_comes_again(front: Front) -> None:
    front.host.failing = 1
    status, headers, answered = await front.post(BODY)
    assert (status, headers["Retry-After"]) == (503, "5")
    assert set(answered) == {"error", "remedy"}
    assert await front.tell() == (200, {"accepted": "new"})


async def test_a_decent_system_insists_until_it_is_taken(front: Front) -> None:
    front.host.failing = 2
    uttered = await front.system.say("hello")
    assert not await front.system.taken(uttered)
    await eventually(lambda: front.host.accepted)
    assert [inbound.body for inbound in front.host.accepted] == [Said("hello")]


async def test_instants_sort_what_is_told_out_of_order_and_others_as_they_come(
    front: Front,
) -> None:
    for number, at in enumerate(("2026-03-01T10:00:01Z", "2026-03-01T11:00:00+01:00", None, None)):
        assert (await front.tell(id=str(number), at=at))[0] == 200
    in_order = sorted(front.host.accepted, key=lambda inbound: inbound.order)
    assert [inbound.identities[0][-1] for inbound in in_order] == ["1", "0", "2", "3"]
    assert len({inbound.order for inbound in in_order}) == 4


async def test_an_instant_that_is_out_of_the_calendar_in_utc_is_taken_for_now(
    front: Front,
) -> None:
    assert (await front.tell(at="9999-12-31T23:59:59-10:00"))[0] == 200
    assert front.host.accepted[0].at == front.host.clock.now()


async def test_a_part_of_the_system_is_the_place_for_routes(front: Front) -> None:
    await front.tell(place="SALES")
    assert front.host.accepted[0].place == "SALES"


def at(seconds: int) -> str:
    return str(int((wall_time() + timedelta(seconds=seconds)).timestamp()))


@pytest.mark.parametrize(
    "headers",
    [
        {SIGNATURE: ""},
        {TIMESTAMP: ""},
        {SIGNATURE: "", TIMESTAMP: ""},
        {SIGNATURE: "v1=" + "0" * 64},
        {SIGNATURE: "v1=\u00e9"},
        {SIGNATURE: "v0=" + "0" * 64},
        {SIGNATURE: signature("another-secret-of-32-characters!", at(0), BODY), TIMESTAMP: at(0)},
        {SIGNATURE: signature(SECRET, at(0), BODY + b" "), TIMESTAMP: at(0)},
        {SIGNATURE: signature(SECRET, at(-3600), BODY), TIMESTAMP: at(-3600)},
        {SIGNATURE: signature(SECRET, at(3600), BODY), TIMESTAMP: at(3600)},
        {TIMESTAMP: at(-7)},
        {TIMESTAMP: "soon"},
        {TIMESTAMP: "-1"},
        {TIMESTAMP: "9" * 400},
    ],
)
async def test_only_a_fresh_signature_with_our_secret_opens(
    front: Front, headers: dict[str, str]
) -> None:
    status, _, answered = await front.post(BODY, **headers)
    assert status == 401
    assert answered["remedy"]
    assert SECRET not in json.dumps(answered)
    assert front.host.accepted == []


async def test_the_secret_before_is_good_while_it_is_configured() -> None:
    before = "the-secret-that-was-in-use-before"
    async with fronted(previous_secret=before) as front:
        for secret in (before, SECRET):
            headers = signed(secret, BODY, wall_time())
            assert (await front.post(BODY, **headers))[0] == 200
    async with fronted() as front:
        assert (await front.post(BODY, **signed(before, BODY, wall_time())))[0] == 401


async def test_each_reason_of_a_refusal_is_logged_once_and_without_secrets(
    front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    old = at(-3600)
    for headers in (
        {SIGNATURE: ""},
        {SIGNATURE: ""},
        {SIGNATURE: "v1=0"},
        {TIMESTAMP: old, SIGNATURE: signature(SECRET, old, BODY)},
    ):
        await front.post(BODY, **headers)
    told = [vars(one)["reason"] for one in caplog.records if one.msg == "webhook.request_refused"]
    assert told == ["unsigned", "signature", "clock"]
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"kind":"\xff"}', "not JSON"),
        (b"[]", "object"),
        (b"{}", "kind"),
        (b"[" * 100_000, "object"),
        (b'{"x":' * 90_000, "nested"),
        (b'{"kind":"said","person":' + b'{"id":' * 80_000, "$.person.id"),
    ],
)
async def test_what_is_no_message_is_refused_with_the_place(
    front: Front, body: bytes, place: str
) -> None:
    status, _, answered = await front.post(body)
    assert status == 400
    assert place in answered["error"]
    assert front.host.accepted == []


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"extra": 1}, "extra"),
        ({"person": {"id": "ann", "nick": "a"}}, "$.person"),
        ({"kind": "shouted"}, "$.kind"),
        ({"kind": "toofast"}, "$.kind"),
        ({"id": ""}, "$.id"),
        ({"id": "1\n"}, "`id`"),
        ({"id": "1" * 201}, "$.id"),
        ({"thread": "a b"}, "`thread`"),
        ({"thread": 7}, "$.thread"),
        ({"place": "a\u0000"}, "`place`"),
        ({"person": {"id": "ann", "name": "An\nn"}}, "$.person"),
        ({"person": {"id": "ann", "name": "n" * 201}}, "$.person.name"),
        ({"text": ""}, "$.text"),
        ({"text": "x" * (TEXT_LIMIT + 1)}, "$.text"),
        ({"at": "2026-03-01T10:00:00"}, "$.at"),
        ({"at": 7}, "$.at"),
        ({"opens": "yes"}, "$.opens"),
    ],
)
async def test_each_part_that_is_not_as_it_should_be_is_named(
    front: Front, parts: dict[str, Any], place: str
) -> None:
    status, answered = await front.tell(**parts)
    assert status == 400
    assert place in answered["error"]
    assert len(answered["error"]) < 400


async def test_the_longest_text_fits_however_it_is_escaped(front: Front) -> None:
    text = "\U0001f600" * TEXT_LIMIT
    assert (await front.tell(text=text))[0] == 200
    assert front.host.accepted[0].body == Said(text)


@pytest.mark.parametrize("size", [BODY_LIMIT + 1, LISTENER_LIMIT + 1])
async def test_a_body_that_is_too_large_is_refused(front: Front, size: int) -> None:
    status, _, _ = await front.post(b" " * (size - len(BODY)) + BODY)
    assert status == 413
    assert front.host.accepted == []


async def test_a_small_body_cannot_swell(front: Front) -> None:
    bomb = gzip.compress(b" " * 20_000_000)
    headers = signed(SECRET, bomb, wall_time())
    status, _, _ = await front.post(bomb, Content_Encoding="gzip", **headers)
    assert status in {400, 401, 413}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_what_is_not_said_to_be_json_is_refused(front: Front, kind: str) -> None:
    status, _, answered = await front.post(BODY, Content_Type=kind)
    assert (status, set(answered)) == (415, {"error", "remedy"})


async def test_json_may_name_its_charset(front: Front) -> None:
    status, _, _ = await front.post(BODY, Content_Type="application/json; charset=utf-8")
    assert status == 200
