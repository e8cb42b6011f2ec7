"""Who is told something beside the thread? Best effort, after Slack has its ack, to one person.

Nothing here is owed: what is lost comes again when they press, type or look again. What must not be
lost goes through `Host.accept`, before the ack.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.proxy_env_variable_loader import load_http_proxy_from_env

from adapters.slack import ids
from adapters.slack.logs import LOG, sdk_log
from adapters.slack.reading.interactions import Asker
from adapters.slack.web.answers import TIMEOUT, Refusal
from adapters.slack.workspaces import Workspace
from bridge.errors import BridgeError
from bridge.model.delivery import Urgency
from bridge.model.inbound import (
    CancelAsked,
    Clicked,
    EndAsked,
    Inbound,
    InboundBody,
    PersonAsked,
    RetryAsked,
    StartAsked,
    StatusAsked,
)
from bridge.plugin.settings import is_loopback, read_address

#: What nobody could make sense of: a button of another version, or of another bridge.
UNCLEAR: Final = "That means nothing any more: it belongs to something that is long over."

#: How many may be under way; what comes then is left out: it comes again if they press again.
MOST_ASIDES: Final = 1_000

_NOT_HERE = "There is no conversation with me here. Mention me in a message to begin one."
_OVER = {
    CancelAsked: UNCLEAR,
    Clicked: UNCLEAR,
    EndAsked: _NOT_HERE,
    PersonAsked: _NOT_HERE,
    RetryAsked: UNCLEAR,
    StartAsked: UNCLEAR,
    StatusAsked: _NOT_HERE,
}
_PASSED_ON = {
    EndAsked: "The conversation is being ended.",
    PersonAsked: "The agent is being asked for a person: please look into the thread.",
    StartAsked: "A new conversation begins: please look into the thread.",
    RetryAsked: "It is being sent again.",
}


def nothing_here(body: InboundBody) -> str:
    """What to say to a wish for a thread in which no conversation of ours is.

    Empty for anything else: people also talk, edit and delete in threads that are none of ours.
    """
    return _OVER.get(type(body), "")


def passed_on(body: InboundBody) -> str:
    """What to say to a wish that was taken, where its thread is not in view."""
    return _PASSED_ON.get(type(body), "That was passed on: please look into the thread.")


def asker_behind(inbound: Inbound) -> Asker:
    """Who wrote it. What stands at the top of a channel is answered there: it has no thread yet."""
    thread = ids.SlackThread.parse(inbound.thread)
    alone = ids.order_of(thread.root) == inbound.order
    return Asker(
        team=thread.team,
        channel=thread.channel,
        person=inbound.person.id,
        root="" if alone else thread.root,
        response_url="",
    )


class Asides:
    """Tasks beside the receiving, none of which outlives it."""

    def __init__(self) -> None:
        self._tasks: dict[object, asyncio.Task[None]] = {}

    def start(self, work: Coroutine[Any, Any, None], *, instead: object = None) -> None:
        """Do `work`, in place of what is under way under the same name, if it has one."""
        name = object() if instead is None else instead
        if (older := self._tasks.pop(name, None)) is not None:
            older.cancel()
        if len(self._tasks) >= MOST_ASIDES:
            work.close()
            LOG.debug("slack.aside_not_shown", extra={"reason": "too many are under way"})
            return
        task = asyncio.create_task(work, name="slack-aside")
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._ended(name, done))

    async def close(self) -> None:
        """Cancel what is under way and see it end."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, name: object, task: "asyncio.Task[None]") -> None:
        if self._tasks.get(name) is task:
            del self._tasks[name]
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.warning("slack.aside_failed", extra={"error": type(error).__name__})


async def tell(
    asker: Asker, text: str, workspace: Workspace | None, http: aiohttp.ClientSession, api_url: str
) -> None:
    """Show `text` to the asker alone: by the interaction's own address, else in the channel.

    `api_url` is Slack's: an address that is not of its domain is nobody's to be called.
    """
    if asker.response_url and await _answered(asker, text, http, api_url):
        return
    if workspace is None or not (ids.is_place(asker.channel) and ids.is_user(asker.person)):
        LOG.debug("slack.aside_not_shown", extra={"reason": "nowhere to show it"})
        return
    try:
        await workspace.calls.ask(
            workspace.calls.web.chat_postEphemeral,
            urgency=Urgency.NEWS,
            channel=asker.channel,
            user=asker.person,
            text=text,
            thread_ts=asker.root or None,
        )
    except (Refusal, BridgeError) as refusal:
        LOG.debug("slack.aside_not_shown", extra={"reason": str(refusal)})


async def _answered(asker: Asker, text: str, http: aiohttp.ClientSession, api_url: str) -> bool:
    """Whether Slack took `text` at the response_url, which works outside our channels too."""
    body = {"response_type": "ephemeral", "replace_original": False, "text": text}
    if asker.root:
        body["thread_ts"] = asker.root
    try:
        address = _slacks_own(asker.response_url, api_url)
        async with (
            asyncio.timeout(TIMEOUT.total_seconds()),
            http.post(address, json=body, proxy=_proxy(address), allow_redirects=False) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        reason = type(error).__name__
    else:
        if status == 200:
            return True
        reason = f"status {status}"
    LOG.debug("slack.response_url_failed", extra={"reason": reason})
    return False


def _slacks_own(address: str, api_url: str) -> str:
    """Raises ValueError for an address that no response_url has, such as one of somebody else."""
    host, domain = (urlsplit(read_address(each)).hostname or "" for each in (address, api_url))
    if not f".{host}".endswith(f".{domain}"):
        raise ValueError("is not Slack's")
    return address


def _proxy(address: str) -> str | None:
    """The environment's proxy, as the SDK reads it; what is on this machine needs none."""
    near = is_loopback(urlsplit(address).hostname or "")
    return None if near else load_http_proxy_from_env(sdk_log())
