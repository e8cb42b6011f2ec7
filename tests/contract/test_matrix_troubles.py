"""What the Matrix adapter loses to one event, one room or one answer that goes wrong: no other."""

import logging
from typing import Any

import pytest
from aiohttp import web

from adapters.matrix import PLUGIN
from bridge.errors import CredentialsRefused, Unreachable
from bridge.model.ids import ThreadKey
from bridge.model.inbound import Said
from tests.contract.test_matrix_odd_servers import OUTBOUND, Odd, odd, said

__all__ = ["odd"]


def of(text: str) -> dict[str, Any]:
    """One message."""
    event: dict[str, Any] = said(text)["!r"]["timeline"]["events"][0]
    return event


def edit(original: str) -> dict[str, Any]:
    """A change of a message."""
    relation = {"rel_type": "m.replace", "event_id": original}
    new = {"msgtype": "m.text", "body": "new"}
    return of(f"edit {original}"[:9].replace(" ", "")) | {
        "content": new | {"m.new_content": new, "m.relates_to": relation}
    }


def room(*events: dict[str, Any]) -> dict[str, Any]:
    return {"timeline": {"events": list(events)}}


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "M_UNRECOGNIZED"), (403, "M_RESOURCE_LIMIT_EXCEEDED"), (403, "M_FORBIDDEN"), (404, "")],
)
async def test_a_sync_refused_for_another_reason_loses_nothing(
    odd: Odd, status: int, code: str
) -> None:
    refused = [web.json_response({"errcode": code} if code else {}, status=status) for _ in "12345"]
    odd.syncs += [*refused, {"next_batch": "s2", "rooms": {"join": said("meanwhile")}}]
    async with PLUGIN.connect(odd.settings, odd.host):
        await odd.until(lambda: odd.asked[-1] == "sync s2")

    assert [inbound.body for inbound in odd.host.accepted] == [Said("meanwhile")]
    assert odd.asked.count("sync") == 1


async def test_a_server_that_makes_nothing_of_any_sync_is_no_reason_to_begin_anew(odd: Odd) -> None:
    odd.syncs += [web.json_response({"errcode": "M_UNKNOWN"}, status=400) for _ in range(9)]
    odd.syncs += [{"next_batch": "s2", "rooms": {"join": said("meanwhile")}}]
    odd.answers["/sync"] = lambda request: (
        None
        if "since" in request.query or "sync s1" not in odd.asked
        else web.json_response({"errcode": "M_UNKNOWN"}, status=400)
    )
    async with PLUGIN.connect(odd.settings, odd.host):
        await odd.until(lambda: odd.asked[-1] == "sync s2")

    assert [inbound.body for inbound in odd.host.accepted] == [Said("meanwhile")]


async def test_an_event_about_which_the_server_never_answers_holds_up_its_room_for_a_while(
    odd: Odd, caplog: pytest.LogCaptureFixture
) -> None:
    odd.answers["/event/"] = lambda _: web.Response(status=500)
    batch = {
        "next_batch": "s2",
        "rooms": {"join": {"!r": room(of("a"), edit("$x"), of("b")), "!other": room(of("c"))}},
    }
    odd.syncs += [batch] * 8
    with caplog.at_level(logging.ERROR):
        async with PLUGIN.connect(odd.settings, odd.host):
            await odd.until(lambda: odd.asked[-1] == "sync s2")

    heard = [inbound.body for inbound in odd.host.accepted]
    assert heard.index(Said("c")) < heard.index(Said("b"))
    assert set(heard) == {Said("a"), Said("b"), Said("c")}
    assert [record.getMessage() for record in caplog.records] == ["matrix.given_up"]


async def test_a_room_that_the_server_cannot_read_any_more_is_given_up_alone(
    odd: Odd, caplog: pytest.LogCaptureFixture
) -> None:
    odd.answers["!bad/joined_members"] = lambda _: web.Response(status=500)
    batch = {"next_batch": "s2", "rooms": {"join": {"!bad": room(of("a")), **said("b")}}}
    odd.syncs += [batch] * 8
    with caplog.at_level(logging.ERROR):
        async with PLUGIN.connect(odd.settings, odd.host):
            await odd.until(lambda: odd.asked[-1] == "sync s2")

    assert {inbound.body for inbound in odd.host.accepted} == {Said("b")}
    assert [record.getMessage() for record in caplog.records] == ["matrix.given_up"]


async def test_a_gap_that_can_never_be_read_costs_no_more_than_itself(
    odd: Odd, caplog: pytest.LogCaptureFixture
) -> None:
    odd.answers["/messages"] = lambda _: web.Response(status=500)
    limited = room(of("a"))
    limited["timeline"] |= {"limited": True, "prev_batch": "p1"}
    odd.syncs += [{"next_batch": "s2", "rooms": {"join": {"!bad": limited, **said("b")}}}] * 8
    with caplog.at_level(logging.ERROR):
        async with PLUGIN.connect(odd.settings, odd.host):
            await odd.until(lambda: odd.asked[-1] == "sync s2")

    heard = [inbound.body for inbound in odd.host.accepted]
    assert heard[0] == Said("b")
    assert set(heard) == {Said("a"), Said("b")}
    assert [record.getMessage() for record in caplog.records] == ["matrix.given_up"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("M_RESOURCE_LIMIT_EXCEEDED", Unreachable),
        ("M_UNRECOGNIZED", Unreachable),
        ("M_USER_SUSPENDED", CredentialsRefused),
        ("M_CONSENT_NOT_GIVEN", CredentialsRefused),
    ],
)
async def test_what_is_not_let_through_now_is_not_given_up(
    odd: Odd, code: str, error: type[Exception]
) -> None:
    odd.answers["/send/"] = lambda _: web.json_response({"errcode": code}, status=403)
    async with PLUGIN.connect(odd.settings, odd.host) as adapter:
        with pytest.raises(error):
            await adapter.deliver(OUTBOUND)


async def test_a_reaction_or_a_post_of_ours_that_is_taken_away_is_told_to_no_thread(
    odd: Odd,
) -> None:
    known = {
        "$reaction": {"type": "m.reaction", "sender": "@ann:e.example"},
        "$ours": {"type": "m.room.message", "sender": "@poly:e.example"},
    }
    odd.host.threads = [ThreadKey("!r $root"), ThreadKey("!r $other")]
    odd.answers["/event/"] = lambda request: web.json_response(
        known[request.path.rpartition("/")[2]]
    )
    taken = [
        of(f"t{n}") | {"type": "m.room.redaction", "redacts": one} for n, one in enumerate(known)
    ]
    odd.syncs.append({"next_batch": "s2", "rooms": {"join": {"!r": room(*taken, of("after"))}}})
    async with PLUGIN.connect(odd.settings, odd.host):
        await odd.until(lambda: odd.asked[-1] == "sync s2")

    assert [inbound.body for inbound in odd.host.accepted] == [Said("after")]


def invited(name: str) -> dict[str, Any]:
    state = [{"type": "m.room.member", "state_key": "@poly:e.example", "sender": "@ann:e.example"}]
    return {name: {"invite_state": {"events": state}}}


async def test_invitations_wait_their_turn_and_nobody_for_them_nor_are_they_lost_by_a_restart(
    odd: Odd,
) -> None:
    """Synapse lets an account enter ten rooms at once, and then one in ten seconds."""
    entered: list[str] = []
    limited = True

    def join(request: web.Request) -> web.Response:
        if limited:
            return web.json_response({"errcode": "M_LIMIT_EXCEEDED"}, status=429)
        entered.append(request.path.rpartition("/")[2])
        return web.json_response({})

    odd.answers["/join/"] = join
    odd.syncs.append(
        {"next_batch": "s2", "rooms": {"invite": invited("!x") | invited("!y"), "join": said("a")}}
    )
    async with PLUGIN.connect(odd.settings, odd.host):
        await odd.until(lambda: "sync s2" in odd.asked)
    limited = False
    async with PLUGIN.connect(odd.settings, odd.host):
        await odd.until(lambda: not [key for key in odd.host.memory.kept if key != "sync"])

    assert [inbound.body for inbound in odd.host.accepted] == [Said("a")]
    assert sorted(entered) == ["!x", "!y"]


def member(user: str, membership: str, previous: str = "") -> dict[str, Any]:
    unsigned = {"prev_content": {"membership": previous}, "replaces_state": "$p"}
    return of(f"m{user[1:4]}") | {
        "type": "m.room.member",
        "state_key": user,
        "content": {"membership": membership},
        "unsigned": unsigned if previous else {},
    }


async def test_what_was_said_in_a_room_for_two_is_heard_though_a_third_has_come_since(
    odd: Odd,
) -> None:
    three: dict[str, Any] = {"@poly:e.example": {}, "@ann:e.example": {}, "@ben:e.example": {}}
    odd.answers["joined_members"] = lambda _: web.json_response({"joined": three})
    came = [member("@ben:e.example", "invite"), member("@ben:e.example", "join", "invite")]
    odd.syncs.append(
        {"next_batch": "s2", "rooms": {"join": {"!r": room(of("two"), *came, of("three"))}}}
    )
    async with PLUGIN.connect(odd.settings, odd.host):
        await odd.until(lambda: odd.asked[-1] == "sync s2")

    assert [(inbound.body, inbound.thread) for inbound in odd.host.accepted] == [
        (Said("two"), "!r")
    ]


async def test_what_comes_after_a_crash_sorts_behind_what_came_before_it_though_less_is_told(
    odd: Odd,
) -> None:
    odd.syncs.append({"next_batch": "s2", "rooms": {"join": {"!r": room(*map(of, "abc"))}}})
    async with PLUGIN.connect(odd.settings, odd.host):
        begun = dict(odd.host.memory.kept)
        await odd.until(lambda: odd.asked[-1] == "sync s2")
    odd.host.memory.kept = begun  # as if it had died before it remembered its place
    redacted = [of(text) | {"content": {}} for text in "ab"]
    odd.syncs.append(
        {"next_batch": "s3", "rooms": {"join": {"!r": room(*redacted, of("c"), of("d"))}}}
    )
    async with PLUGIN.connect(odd.settings, odd.host):
        await odd.until(lambda: odd.asked[-1] == "sync s3")

    orders = [inbound.order for inbound in odd.host.accepted]
    assert [inbound.body for inbound in odd.host.accepted] == [Said(text) for text in "abccd"]
    assert orders == sorted(set(orders))


async def test_an_encrypted_room_that_cannot_be_left_keeps_nobody_from_being_heard(
    odd: Odd,
) -> None:
    encrypted = {"type": "m.room.encryption", "state_key": "", "content": {}}
    odd.syncs = [
        {"next_batch": "s1", "rooms": {"join": {"!secret": {"state": {"events": [encrypted]}}}}},
        {"next_batch": "s2", "rooms": {"join": said("a")}},
    ]
    odd.answers["/leave"] = lambda _: web.Response(status=500)
    async with PLUGIN.connect(odd.settings, odd.host):
        await odd.until(lambda: odd.host.accepted)

    assert "leave" in odd.asked
