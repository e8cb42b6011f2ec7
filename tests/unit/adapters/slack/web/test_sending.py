"""Does a call leave as the SDK would have sent it, and by no other way?"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.web.answers import Refusal, asked
from adapters.slack.web.calls import Calls, oauth_access, web_client
from bridge.errors import RetryLater

BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "Grüße", "verbatim": True}}]
MARK = {"event_type": "polyai_bridge_delivery", "event_payload": {"delivery": "c1.1"}}
SPOT: dict[str, Any] = {"channel": "C1", "ts": "1772366400.000100"}
PAGE: dict[str, Any] = {
    "oldest": "1772366400.0",
    "include_all_metadata": True,
    "limit": 200,
    "cursor": None,
}


@dataclass(frozen=True)
class Sent:
    """What a call means, however its JSON is spaced."""

    verb: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: object


class Far:
    """A server that keeps what it is sent and answers as told."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.answer: Callable[[], web.Response] = lambda: web.json_response({"ok": True, "ts": "1"})
        self.address = ""

    async def serve(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        headers.pop("content-length", None)
        text = await request.text()
        kept: object = json.loads(text) if request.content_type == "application/json" else text
        query = dict(request.query)
        self.sent.append(Sent(request.method, request.path, query, headers, kept))
        return self.answer()


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    made = Far()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", made.serve)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.address = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    yield made
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def ours(far: Far, http: aiohttp.ClientSession) -> AsyncWebClient:
    return web_client("xoxb-secret", far.address, http, local=True)


Call = Callable[[AsyncWebClient], Awaitable[Any]]
CALLS: dict[str, Call] = {
    "post": lambda it: it.chat_postMessage(
        channel="C1",
        thread_ts="1772366400.000100",
        text="Grüße",
        blocks=BLOCKS,
        metadata=MARK,
        username=None,
        unfurl_links=False,
        link_names=False,
        parse="none",
    ),
    "update": lambda it: it.chat_update(**SPOT, text="Hello", blocks=None, parse="none"),
    "whisper": lambda it: it.chat_postEphemeral(channel="C1", user="U1", text="Hello"),
    "delete": lambda it: it.chat_delete(**SPOT),
    "stream": lambda it: it.chat_startStream(channel="C1", thread_ts="1.2", markdown_text="Hi"),
    "append": lambda it: it.chat_appendStream(**SPOT, markdown_text="there"),
    "stop": lambda it: it.chat_stopStream(**SPOT, metadata=MARK),
    "status": lambda it: it.assistant_threads_setStatus(
        channel_id="C1", thread_ts="1.2", status=""
    ),
    "replies": lambda it: it.conversations_replies(**SPOT, **PAGE),
    "history": lambda it: it.conversations_history(channel="C1", **PAGE),
    "person": lambda it: it.users_info(user="U1"),
    "bot": lambda it: it.bots_info(bot="B1"),
    "home": lambda it: it.views_publish(user_id="U1", view={"type": "home", "blocks": BLOCKS}),
    "who": lambda it: it.auth_test(),
    "who else": lambda it: it.auth_test(token="xoxb-another"),
    "socket": lambda it: it.apps_connections_open(app_token="xapp-1"),
    "manifest": lambda it: it.apps_manifest_export(app_id="A1", token="xoxe-1"),
    "install": lambda it: oauth_access(it, "1.2", "s3", code="c d&e", redirect_uri="https://x.y/z"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
async def test_a_call_means_what_the_sdk_would_have_sent(
    far: Far, http: aiohttp.ClientSession, ours: AsyncWebClient, call: Call
) -> None:
    theirs = AsyncWebClient("xoxb-secret", far.address, session=http, retry_handlers=[])
    theirs.proxy = None
    await call(theirs)
    await call(ours)
    assert far.sent[0] == far.sent[1]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("chat.postMessage", {"thread_ts": "1.2", "unfurl_links": False, "metadata": MARK}),
        ("chat.update", {"ts": "1.2", "metadata": MARK}),
        ("chat.postEphemeral", {"user": "U1", "thread_ts": "1.2"}),
    ],
)
async def test_a_call_by_its_name_is_the_one_by_the_sdks_method(
    far: Far, http: aiohttp.ClientSession, name: str, more: dict[str, Any]
) -> None:
    theirs = AsyncWebClient("xoxb-secret", far.address, session=http, retry_handlers=[])
    theirs.proxy = None
    ours = Calls(web_client("xoxb-secret", far.address, http, local=True))
    said: dict[str, Any] = {
        "text": "Hello",
        "blocks": (*BLOCKS,),
        "parse": "none",
        "link_names": False,
    }
    absent: dict[str, Any] = {"username": None, "icon_url": None}
    await ours.ask(getattr(theirs, name.replace(".", "_")), channel="C1", **said, **more)
    await ours.ask(name, channel="C1", **said, **more, **absent)
    assert far.sent[0] == far.sent[1]


async def test_without_a_token_none_is_sent(far: Far, http: aiohttp.ClientSession) -> None:
    await web_client("", far.address, http, local=True).auth_test()
    assert "authorization" not in far.sent[0].headers


async def test_half_a_character_is_sent_as_the_sdk_would_have(
    far: Far, ours: AsyncWebClient
) -> None:
    await ours.chat_postMessage(channel="C1", text="a\ud800b")
    assert far.sent[0].body == {"channel": "C1", "text": "a\ud800b"}


async def test_half_a_character_in_an_answer_is_read(far: Far, ours: AsyncWebClient) -> None:
    text = '{"ok": true, "message": {"text": "a\\ud800b"}}'
    far.answer = lambda: web.Response(text=text, content_type="application/json")
    answer = await asked(ours.chat_postMessage(channel="C1", text="a"))
    assert answer["message"] == {"text": "a\ud800b"}


async def test_the_token_is_the_one_of_the_moment(far: Far, ours: AsyncWebClient) -> None:
    await ours.chat_postMessage(channel="C1", text="Hello")
    ours.token = "xoxb-renewed"
    await ours.auth_test()
    await ours.chat_postMessage(channel="C1", text="Hello")
    said = [sent.headers["authorization"] for sent in far.sent]
    assert said == ["Bearer xoxb-secret", *["Bearer xoxb-renewed"] * 2]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(far: Far, ours: AsyncWebClient, status: int) -> None:
    far.answer = lambda: web.Response(status=status, headers={"Location": "/elsewhere"})
    with pytest.raises(Refusal) as refused:
        await asked(ours.chat_postMessage(channel="C1", text="Hello"))
    assert [sent.path for sent in far.sent] == ["/api/chat.postMessage"]
    assert refused.value.status == status


async def test_an_answer_that_is_no_json_still_says_how_long_to_wait(
    far: Far, ours: AsyncWebClient
) -> None:
    far.answer = lambda: web.Response(status=429, text="slow", headers={"Retry-After": "7"})
    with pytest.raises(Refusal) as refused:
        await asked(ours.chat_postMessage(channel="C1", text="Hello"))
    later = refused.value.meaning(posting=True)
    assert isinstance(later, RetryLater)
    assert later.after is not None
    assert later.after.total_seconds() == 7


async def test_what_is_kept_of_a_call_holds_no_token(far: Far, ours: AsyncWebClient) -> None:
    far.answer = lambda: web.json_response({"ok": False, "error": "is_archived"})
    with pytest.raises(SlackApiError) as refused:
        await ours.chat_postMessage(channel="C1", text="Hello")
    assert refused.value.response.req_args == {}
    assert "xoxb" not in str(refused.value)


@pytest.mark.parametrize("local", [True, False])
async def test_the_environments_proxy_is_used_unless_slack_is_on_this_machine(
    far: Far, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, local: bool
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", far.address)
    here = far.address if local else "http://slack.invalid/api/"
    web = web_client("xoxb-secret", here, http, local=local)
    await web.auth_test()
    await web.chat_postMessage(channel="C1", text="Hello")
    assert [sent.headers["host"] for sent in far.sent] == [here.split("/")[2]] * 2
