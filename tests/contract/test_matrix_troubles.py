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
