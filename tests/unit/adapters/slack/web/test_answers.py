"""Does each answer of Slack's mean the right thing for us?"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from adapters.slack.web.answers import Refusal, asked
from adapters.slack.web.calls import web_client
from bridge.errors import (
    BridgeError,
    CredentialsRefused,
    MaybeDelivered,
    Rejected,
    RetryLater,
    ThreadClosed,
    Unreachable,
)

Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.mark.parametrize(
    ("refusal", "posting", "reading"),
    [
        (Refusal("ratelimited"), RetryLater, RetryLater),
        (Refusal(status=429), RetryLater, RetryLater),
        (Refusal("request_timeout"), RetryLater, RetryLater),
        (Refusal("channel_not_found"), ThreadClosed, ThreadClosed),
        (Refusal("invalid_blocks"), Rejected, Rejected),
        (Refusal("restricted_action_thread_locked"), ThreadClosed, ThreadClosed),
        (Refusal("never_heard_of"), Rejected, Rejected),
        (Refusal("invalid_auth"), CredentialsRefused, CredentialsRefused),
        (Refusal("missing_scope"), CredentialsRefused, CredentialsRefused),
        (Refusal("internal_error"), MaybeDelivered, Unreachable),
        (Refusal("fatal_error"), MaybeDelivered, Unreachable),
        (Refusal("service_unavailable"), MaybeDelivered, Unreachable),
        (Refusal(status=503), MaybeDelivered, Unreachable),
        (Refusal(status=404), Unreachable, Unreachable),
        (Refusal(kind="ServerDisconnectedError"), MaybeDelivered, Unreachable),
        (Refusal(kind="ClientConnectorError", reached=False), Unreachable, Unreachable),
    ],
)
def test_what_follows_from_a_refusal(
    refusal: Refusal, posting: type[BridgeError], reading: type[BridgeError]
) -> None:
    assert type(refusal.meaning(posting=True)) is posting
    assert type(refusal.meaning(posting=False)) is reading


def test_a_missing_scope_is_named_with_what_to_do() -> None:
    error = Refusal("missing_scope", needed="chat:write").meaning(posting=True)
    assert "chat:write" in error.message
    assert "install it again" in error.remedy


def test_the_refused_token_is_named_by_its_setting() -> None:
    error = Refusal("invalid_auth").meaning(posting=False, setting="app_token")
    assert "app_token" in error.remedy


def test_a_refusal_for_want_of_membership_says_what_to_do() -> None:
    assert "invite" in Refusal("not_in_channel").meaning(posting=True).remedy
    unknown = Refusal("channel_not_found")
    assert unknown.meaning(posting=True).remedy == "invite the app to the channel"
    called = unknown.meaning(posting=True, place="C0123456789")
    assert called.remedy == "invite the app to the channel, or correct its id in handoffs"


async def refusal_of(serve: Serve) -> Refusal:
    """How one call fails at a server that answers like this."""
    application = web.Application()
    application.router.add_route("*", "/api/{method}", serve)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    try:
        async with aiohttp.ClientSession() as session:
            client = web_client("xoxb-secret", base, session, local=True)
            with pytest.raises(Refusal) as refused:
                await asked(client.auth_test())
            return refused.value
    finally:
        await runner.cleanup()


def answering(status: int, body: str, kind: str, **headers: str) -> Serve:
    async def serve(_: web.Request) -> web.Response:
        return web.Response(
            status=status,
            text=body,
            content_type=kind,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    return serve


@pytest.mark.parametrize(
    ("status", "body", "kind", "meaning"),
    [
        (200, '{"ok":false,"error":"is_archived"}', "application/json", ThreadClosed),
        (500, '{"ok":false,"error":"fatal_error"}', "application/json", MaybeDelivered),
        (200, '{"ok":false}', "application/json", MaybeDelivered),
        (200, '{"ok":false,"error":7}', "application/json", MaybeDelivered),
        (200, '{"ok":false,"error":"\\u202e"}', "application/json", MaybeDelivered),
        (200, "[1]", "application/json", MaybeDelivered),
        (200, "{oops", "application/json", MaybeDelivered),
        (200, "", "application/json", MaybeDelivered),
        (200, "fine", "text/plain", MaybeDelivered),
        (200, "<html>", "text/html", MaybeDelivered),
        (502, "<html>", "text/html", MaybeDelivered),
        (403, "<html>", "text/html", Unreachable),
    ],
)
async def test_odd_answers_are_judged_carefully(
    status: int, body: str, kind: str, meaning: type[BridgeError]
) -> None:
    refusal = await refusal_of(answering(status, body, kind))
    assert type(refusal.meaning(posting=True)) is meaning


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 1), ("soon", 30), ("-1", 30), ("99999999", 3600)],
)
async def test_retry_after_is_obeyed_within_reason(header: str, seconds: int) -> None:
    limited = answering(
        429, '{"ok":false,"error":"ratelimited"}', "application/json", Retry_After=header
    )
    error = (await refusal_of(limited)).meaning(posting=True)
    assert isinstance(error, RetryLater)
    assert error.after == timedelta(seconds=seconds)


async def test_a_cut_connection_leaves_it_open() -> None:
    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    assert type((await refusal_of(cut)).meaning(posting=True)) is MaybeDelivered


async def test_a_refused_connection_is_certain() -> None:
    async with aiohttp.ClientSession() as session:
        client = web_client("xoxb-secret", "http://127.0.0.1:9/", session, local=True)
        with pytest.raises(Refusal) as refused:
            await asked(client.auth_test())
    assert isinstance(refused.value.meaning(posting=True), Unreachable)


async def test_a_cancelled_call_is_cancelled() -> None:
    async def endless() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(asked(endless()))  # type: ignore[arg-type]  # never answers
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_no_refusal_keeps_the_request_with_its_token() -> None:
    refusal = await refusal_of(answering(200, '{"ok":false,"error":"x"}', "application/json"))
    assert refusal.__cause__ is None
    assert refusal.__suppress_context__
    assert "secret" not in repr(vars(refusal))
