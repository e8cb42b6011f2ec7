"""How is one message posted, changed or shown to one person? What is refused is shown more plainly.

Nothing here repeats a post that may have arrived: a refusal is certain, whatever else is not.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any, NoReturn

from adapters.slack import ids
from adapters.slack.logs import LOG
from adapters.slack.rendering.plainer import CUSTOMIZE, plainly, spared, unscoped
from adapters.slack.streams import changed
from adapters.slack.to_slack import SlackMessage, author_of, to_slack
from adapters.slack.web.answers import AWAY, Refusal
from adapters.slack.workspaces import Workspace
from bridge.errors import BridgeError, MaybeDelivered, Rejected, RetryLater, ThreadClosed
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import ThreadKey


async def show(
    workspace: Workspace,
    outbound: Outbound,
    send: Callable[[SlackMessage], Awaitable[dict[str, Any]]],
    *,
    posting: bool,
) -> dict[str, Any]:
    """Send `outbound`; if Slack refuses a part that can be spared, without it."""
    try:
        return await _shown(workspace, outbound, send)
    except Refusal as refusal:
        raise await _meaning(workspace, outbound, refusal, posting=posting) from None


async def _shown(
    workspace: Workspace,
    outbound: Outbound,
    send: Callable[[SlackMessage], Awaitable[dict[str, Any]]],
) -> dict[str, Any]:
    """The same; raises Refusal where nothing plainer would do."""
    features = workspace.features
    message = to_slack(outbound, features)
    plain = False
    while True:
        try:
            return await send(message)
        except Refusal as refusal:
            if message.username and unscoped(refusal):
                _speak_as_app(workspace)
            if not plain and (fewer := spared(refusal, message, features)) is not None:
                features, message = fewer, to_slack(outbound, fewer)
            elif not plain and (words := plainly(refusal, message)) is not None:
                LOG.warning("slack.shown_plainly", extra={"reason": refusal.code})
                plain, message = True, words
            else:
                raise


@asynccontextmanager
async def judged(workspace: Workspace, outbound: Outbound, *, posting: bool) -> AsyncIterator[None]:
    """A refusal becomes what the runtime should make of it."""
    try:
        yield
    except Refusal as refusal:
        raise await _meaning(workspace, outbound, refusal, posting=posting) from None


async def _meaning(
    workspace: Workspace, outbound: Outbound, refusal: Refusal, *, posting: bool
) -> BridgeError:
    if refusal.code in AWAY and not outbound.place:
        return await workspace.absences.meaning(refusal, thread_of(outbound.thread))
    private = outbound.only_for is not None
    return refusal.meaning(posting=posting, place=outbound.place, only_for=private)


def compare(workspace: Workspace, outbound: Outbound, shown: object) -> None:
    """Notice where Slack, without the scope, ignores a name in silence."""
    if not isinstance(shown, dict) or shown.get("username"):
        return
    if author_of(outbound, workspace.features):
        _speak_as_app(workspace)


def _speak_as_app(workspace: Workspace) -> None:
    """From now on names stand in the text: the scope for authorship is missing."""
    LOG.warning("slack.names_not_permitted", extra={"needed": CUSTOMIZE})
    workspace.features = replace(workspace.features, authorship=False)


def post(
    workspace: Workspace, outbound: Outbound, channel: str, root: str | None, it: SlackMessage
) -> Awaitable[dict[str, Any]]:
    """Post it in the thread of `root`, or with none at the top of the channel."""
    return workspace.calls.ask(
        "chat.postMessage",
        urgency=outbound.urgency,
        owed=outbound.id,
        channel=channel,
        thread_ts=root,
        text=it.text,
        blocks=it.blocks or None,
        metadata=it.metadata,
        username=it.username,
        icon_url=it.icon_url,
        unfurl_links=False,
        unfurl_media=False,
        link_names=False,
        parse="none",
    )


def _update(
    workspace: Workspace, outbound: Outbound, spot: ids.Spot, it: SlackMessage
) -> Awaitable[dict[str, Any]]:
    # Unlike a post, an update makes links and mentions of plain text unless told not to.
    return workspace.calls.ask(
        "chat.update",
        urgency=outbound.urgency,
        owed=outbound.id,
        channel=spot.channel,
        ts=spot.ts,
        text=it.text,
        blocks=it.blocks or None,
        metadata=it.metadata,
        link_names=False,
        parse="none",
    )


async def change(workspace: Workspace, outbound: Outbound, spot: ids.Spot) -> dict[str, Any]:
    """Change a message of ours, though it be one that still flows."""
    return await show(
        workspace,
        outbound,
        lambda it: changed(
            workspace, outbound, spot, lambda: _update(workspace, outbound, spot, it)
        ),
        posting=False,
    )


async def whisper(workspace: Workspace, outbound: Outbound, thread: ids.SlackThread) -> Receipt:
    """Show it to one person of the thread alone. It is in no history, and cannot be changed."""
    person = outbound.only_for
    if not ids.is_user(person):
        raise Rejected("this is for one person alone, who is none of Slack's")
    answer = await show(
        workspace,
        outbound,
        lambda it: workspace.calls.ask(
            "chat.postEphemeral",
            urgency=outbound.urgency,
            owed=outbound.id,
            channel=thread.channel,
            thread_ts=thread.root,  # without it, it would stand below the channel's own messages
            user=person,
            text=it.text,
            blocks=it.blocks or None,
            username=it.username,
            icon_url=it.icon_url,
            link_names=False,
            parse="none",
        ),
        posting=True,
    )
    return posted(thread.channel, {"ts": answer.get("message_ts")}).receipt


async def take_back(workspace: Workspace, spot: ids.Spot) -> NoReturn:
    """Delete a reply that landed in the open channel, as it does when its root is deleted."""
    calls = workspace.calls
    try:
        await calls.ask(calls.web.chat_delete, channel=spot.channel, ts=spot.ts)
    except (Refusal, RetryLater) as refusal:  # the latter would have the reply posted anew
        LOG.warning("slack.stray_left", extra={"reason": str(refusal)})
        raise ThreadClosed(
            "the thread is gone, and Slack put the reply into the channel itself",
            remedy=f"delete it by hand: Slack did not let us ({refusal})",
        ) from None
    raise ThreadClosed("the thread is gone: its first message was deleted")


def channel_of(place: str) -> str:
    """The channel that `place` names. Raises Rejected if it names none of Slack's."""
    if ids.is_channel(place):
        return place
    raise Rejected(
        "what is configured as the channel of a handoff is none of Slack's",
        remedy="write the channel's id, such as C0123456789",
    )


def posted(channel: str, answer: dict[str, Any]) -> ids.Spot:
    """Where Slack says it stands. Raises MaybeDelivered if it does not say."""
    ts = answer.get("ts")
    if not ids.is_ts(ts):
        raise MaybeDelivered("Slack's answer to the post names no message")
    return ids.Spot(channel, str(ts))


def private(outbound: Outbound, thread: ids.SlackThread) -> bool:
    """Whether it is for one person of several; a direct message has no others."""
    return outbound.only_for is not None and not thread.direct


def spot_of(receipt: Receipt) -> ids.Spot:
    """Where an earlier delivery stands. Raises Rejected for a receipt that is not ours."""
    try:
        return ids.Spot.parse(receipt)
    except ValueError as error:
        raise Rejected(str(error)) from error


@lru_cache(maxsize=2000)  # of the threads that are written in just now
def thread_of(key: ThreadKey) -> ids.SlackThread:
    """The thread of a key. Raises Rejected for one that is not ours."""
    try:
        return ids.SlackThread.parse(key)
    except ValueError as error:
        raise Rejected(str(error)) from error
