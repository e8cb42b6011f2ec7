"""Who plays Slack? A real server on loopback: Web API, Socket Mode, and people who write.

    async with SlackSimulator(clock=SystemClock(), ids=RandomIds()) as slack:
        channel, ann = slack.add_channel("support"), slack.add_user("ann")
        ...                                   # a bridge with api_url = slack.api_url
        ts = await slack.say(channel, ann, f"<@{slack.bot_user_id}> hello")
        slack.lose_response("chat.postMessage")
        slack.messages(channel, ts)           # the thread, as people see it

It outlives the process under test: state, redeliveries and records are here. Text is in Slack's
wire form (`&amp;`, `<@U…>`), in both directions. What it accepts, and within which limits, is in
`slack_methods`, `slack_blocks` and `slack_limits`; what people can do is in `slack_people`; what
can go wrong is in `slack_verbs`.
"""

from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web

from bridge.clock import Clock, Ids
from bridge.simulators.slack_arguments import Refusal
from bridge.simulators.slack_chat import Access, Chat
from bridge.simulators.slack_control import control_routes
from bridge.simulators.slack_envelopes import ClickResult, Envelopes, SimulatedEnvelope
from bridge.simulators.slack_faults import PlannedFaults
from bridge.simulators.slack_interactions import InteractionVerbs
from bridge.simulators.slack_limits import RateLimits
from bridge.simulators.slack_methods import ALL_SCOPES, Methods
from bridge.simulators.slack_payloads import event_callback
from bridge.simulators.slack_people import PeopleVerbs
from bridge.simulators.slack_responses import Responses
from bridge.simulators.slack_sockets import Sockets
from bridge.simulators.slack_streams import Streams
from bridge.simulators.slack_subscriptions import is_subscribed
from bridge.simulators.slack_tasks import OwnedTasks
from bridge.simulators.slack_verbs import FaultVerbs
from bridge.simulators.slack_views import Views
from bridge.simulators.slack_web import SimulatedCall, WebApi
from bridge.simulators.slack_workspace import (
    SimulatedMessage,
    SimulatedStatus,
    SimulatedUser,
    Workspace,
)
from bridge.simulators.slack_writing import WritingVerbs

__all__ = [
    "ClickResult",
    "RateLimits",
    "SimulatedCall",
    "SimulatedEnvelope",
    "SimulatedMessage",
    "SimulatedStatus",
    "SimulatedUser",
    "SlackSimulator",
]

Json = dict[str, Any]

#: When Slack tries an event again: nearly at once, after a minute, after five.
LADDER = (timedelta(seconds=4), timedelta(minutes=1), timedelta(minutes=5))
ACK_DEADLINE = timedelta(seconds=3)


class SlackSimulator(PeopleVerbs, WritingVerbs, InteractionVerbs, FaultVerbs):
    """The simulated workspace; entering listens on 127.0.0.1, leaving leaves no task behind."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Ids,
        team: str = "T0DEMO",
        organisation: str = "",
        bot_token: str = "xoxb-simulated",  # noqa: S107 - it opens nothing
        app_token: str = "xapp-simulated",  # noqa: S107 - it opens nothing
        ladder: tuple[timedelta, ...] = LADDER,
        ack_deadline: timedelta = ACK_DEADLINE,
        limits: RateLimits | None = None,
        port: int = 0,
    ) -> None:
        self._port = port
        self._runner: web.AppRunner
        self._site: web.TCPSite
        self._tasks = OwnedTasks(clock)
        self._stack = AsyncExitStack()
        self._workspace = Workspace(team=team, organisation=organisation, clock=clock, ids=ids)
        self._channels = self._workspace.channels
        self._access = Access(set(ALL_SCOPES))
        self._chat = Chat(self._workspace, self._access)
        self._streams = Streams(self._workspace, self._chat)
        self._views = Views(self._workspace, self._chat)
        self._responses = Responses(self._workspace, self._chat, self._base)
        self._faults = PlannedFaults()
        app_id = self._workspace.app_id
        self._sockets = Sockets(app_id=app_id, clock=clock, ids=ids, tasks=self._tasks)
        self._envelopes = Envelopes(
            sockets=self._sockets,
            clock=clock,
            ids=ids,
            tasks=self._tasks,
            ladder=ladder,
            ack_deadline=ack_deadline,
        )
        self._sockets.heard = self._envelopes.heard
        self._workspace.announce = self._announce
        self.calls: list[SimulatedCall] = []
        self._web = WebApi(
            methods=Methods(
                self._workspace, self._chat, self._streams, self._views, self._socket_address
            ).table(),
            access=self._access,
            limits=limits or RateLimits(),
            faults=self._faults,
            clock=clock,
            tasks=self._tasks,
            calls=self.calls,
            bot_token=bot_token,
            app_token=app_token,
        )

    async def __aenter__(self) -> Self:
        """Listen; the address is in `api_url` from now on."""
        application = web.Application(client_max_size=4 * 1024 * 1024)
        application.router.add_route("*", "/api/{method}", self._web.serve)
        application.router.add_get("/link/", self._sockets.serve)
        application.router.add_post("/response/{ticket}", self._responses.serve)
        application.add_routes(control_routes(self, self.state, self.messages))
        # Nothing to wait for at the end: our own tasks are closed first, then connections.
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        self._stack.callback(self._sockets.cut_all)
        self._stack.push_async_callback(self._tasks.close)
        site = web.TCPSite(runner, "127.0.0.1", self._port)
        await site.start()
        self._port = runner.addresses[0][1]
        self._runner, self._site = runner, site
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening and end everything that was started."""
        await self._stack.aclose()

    async def leave(self) -> None:
        """Be away: every connection breaks and no other is taken, until `come_back`."""
        await self._site.stop()
        self._sockets.cut_all()
        if self._runner.server is not None:
            for connection in self._runner.server.connections:
                connection.force_close()

    async def come_back(self) -> None:
        """Be there again, at the same address."""
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await self._site.start()

    @property
    def api_url(self) -> str:
        """The Web API's base address, with its last slash."""
        return f"http://127.0.0.1:{self._port}/api/"

    @property
    def bot_user_id(self) -> str:
        """The app's own user: what people mention."""
        return self._workspace.bot_user_id

    @property
    def bot_id(self) -> str:
        """The app's bot, which signs its posts."""
        return self._workspace.bot_id

    @property
    def app_id(self) -> str:
        """The app."""
        return self._workspace.app_id

    @property
    def team_id(self) -> str:
        """The workspace."""
        return self._workspace.team

    async def serve_call(self, request: web.Request) -> web.StreamResponse:
        """Answer a call of the Web API that came to another address (see `slack_town`)."""
        return await self._web.serve(request)

    def share_bot(self, other: "SlackSimulator") -> None:
        """Have the same bot as another workspace of the organisation."""
        theirs, ours = other._workspace, self._workspace  # noqa: SLF001 - of our own class
        ours.app_id, ours.bot_id, ours.bot_user_id = (
            theirs.app_id,
            theirs.bot_id,
            theirs.bot_user_id,
        )

    def take_token(self, token: str) -> None:
        """Take this bot token too, which OAuth gave."""
        self._web.granted_tokens.add(token)
        self._access.refused = ""

    def drop_token(self, token: str) -> None:
        """Take it no longer."""
        self._web.granted_tokens.discard(token)

    # What there is to see

    def messages(self, channel: str, thread_ts: str | None = None) -> list[SimulatedMessage]:
        """A thread, root first, or with no thread the channel's own messages; oldest first.

        Deleted ones are there, and say so.
        """
        place = self._channels[channel]
        if thread_ts is None:
            return [message for message in place.messages.values() if _is_in_channel(message)]
        stamps = [thread_ts, *place.threads.get(thread_ts, ())]
        return [place.messages[ts] for ts in stamps if ts in place.messages]

    @property
    def posts(self) -> list[SimulatedMessage]:
        """Every message the app posted, in order, as it was posted."""
        return self._chat.posts

    @property
    def updates(self) -> list[SimulatedMessage]:
        """Every message the app changed, in order, as it was after each change."""
        return self._chat.updates

    def texts(self, channel: str, ts: str) -> list[str]:
        """Each text that a message has shown, in order: how it grew."""
        return list(self._workspace.texts[channel, ts])

    @property
    def excesses(self) -> Counter[str]:
        """How often each method was called too often: every 429 but those that were planned."""
        return Counter(call.method for call in self.calls if call.outcome == "ratelimited")

    @property
    def ephemerals(self) -> list[SimulatedMessage]:
        """Every message the app showed to one person alone; `user` is that person."""
        return self._workspace.ephemerals

    @property
    def homes(self) -> list[tuple[str, Json]]:
        """Every Home tab the app published, in order, each with the person it is for."""
        return self._views.published

    @property
    def statuses(self) -> list[SimulatedStatus]:
        """Every status the app set, in order."""
        return self._workspace.statuses

    def status(self, channel: str, thread_ts: str) -> str:
        """The status that people see in a thread at this moment, or nothing."""
        return self._workspace.status(channel, thread_ts)

    @property
    def envelopes(self) -> list[SimulatedEnvelope]:
        """Every event and interaction, with its deliveries and its ack."""
        return self._envelopes.all

    @property
    def sockets(self) -> int:
        """How many sockets are open."""
        return len(self._sockets.open)

    @property
    def connections(self) -> int:
        """How many sockets there have ever been."""
        return self._sockets.connections

    async def connected(self) -> None:
        """Return once a socket is open."""
        await self._sockets.opened.wait()

    @property
    def users(self) -> dict[str, SimulatedUser]:
        """The people, by id."""
        return self._workspace.users

    @property
    def channels(self) -> dict[str, str]:
        """The names of the channels, by id."""
        return {channel.id: channel.name for channel in self._channels.values()}

    def state(self) -> Json:
        """What there is to see, as JSON; no token and no socket's address is in it."""
        ours = {"team": self.team_id, "app_id": self.app_id, "bot_id": self.bot_id}
        names = ("channels", "users", "sockets", "connections", "posts", "updates", "ephemerals")
        shown: Json = {name: getattr(self, name) for name in (*names, "homes", "statuses", "calls")}
        envelopes = [envelope.summary() for envelope in self.envelopes]
        shown |= {**ours, "bot_user_id": self.bot_user_id, "envelopes": envelopes}
        simple: Json = msgspec.to_builtins(shown)
        return simple

    def _announce(self, event: Json) -> None:
        if is_subscribed(self._workspace, event):
            self._envelopes.raise_event(event_callback(self._workspace, event))

    def _base(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _socket_address(self) -> str:
        if self._sockets.switched_off:
            raise Refusal("link_disabled")
        ticket = self._sockets.new_ticket()
        return f"ws://127.0.0.1:{self._port}/link/?ticket={ticket}&app_id={self.app_id}"


def _is_in_channel(message: SimulatedMessage) -> bool:
    return not message.is_reply or message.subtype == "thread_broadcast"
