"""What can be made to go wrong? The faults of the simulated Slack, as verbs.

A verb with `n` means the next `n` occurrences. Verbs without `await` take effect at once.
"""

from datetime import timedelta

from bridge.simulators.slack_chat import Access
from bridge.simulators.slack_envelopes import Envelopes
from bridge.simulators.slack_faults import Fault, FaultKind, PlannedFaults
from bridge.simulators.slack_requests import RequestUrl
from bridge.simulators.slack_sockets import Sockets
from bridge.simulators.slack_streams import Streams
from bridge.simulators.slack_tasks import OwnedTasks
from bridge.simulators.slack_web import WebApi
from bridge.simulators.slack_workspace import Channel, ChannelKind, Workspace

_FOR_EVER = timedelta(days=1)
_CONNECT = "apps.connections.open"


class FaultVerbs:
    """The misfortunes; the simulator is one of these."""

    _access: Access
    _channels: dict[str, Channel]
    _envelopes: Envelopes
    _faults: PlannedFaults
    _sockets: Sockets
    _tasks: OwnedTasks
    _streams: Streams
    _web: WebApi
    _workspace: Workspace

    def rate_limit(self, method: str, n: int = 1, after: timedelta = timedelta(seconds=30)) -> None:
        """The next `n` calls of `method` ("*": of any) are answered 429 with this Retry-After."""
        self._faults.plan(method, Fault(FaultKind.RATE_LIMITED, duration=after), n)

    def lose_response(self, method: str, n: int = 1) -> None:
        """The next `n` calls are done, and the connection is cut before the answer."""
        self._faults.plan(method, Fault(FaultKind.RESPONSE_LOST), n)

    def lose_request(self, method: str, n: int = 1) -> None:
        """The next `n` calls are not done, and the connection is cut."""
        self._faults.plan(method, Fault(FaultKind.REQUEST_LOST), n)

    def silence(self, method: str, n: int = 1) -> None:
        """The next `n` calls are not done, and nothing is answered for as long as Slack is."""
        self._faults.plan(method, Fault(FaultKind.SILENT, duration=_FOR_EVER), n)

    def fail(self, method: str, error: str, n: int = 1) -> None:
        """The next `n` calls are refused with this error of Slack's."""
        self._faults.plan(method, Fault(FaultKind.REFUSED, error=error), n)

    def http_error(
        self, method: str, status: int = 503, n: int = 1, *, after_doing: bool = False
    ) -> None:
        """The next `n` calls are answered with a bare HTTP status, before or after the work."""
        kind = FaultKind.STATUS_AFTER if after_doing else FaultKind.STATUS_BEFORE
        self._faults.plan(method, Fault(kind, status=status), n)

    def slow(self, method: str, duration: timedelta, n: int = 1) -> None:
        """The next `n` calls are done at once and answered only after `duration`."""
        self._faults.plan(method, Fault(FaultKind.SLOW, duration=duration), n)

    def forget_faults(self) -> None:
        """Every fault planned for the Web API is taken back."""
        self._faults.forget()

    def revoke_token(self, error: str = "account_inactive") -> None:
        """Refuse the bot token with this error (account_inactive, token_revoked, invalid_auth)."""
        self._access.refused = error

    def restore_token(self) -> None:
        """Take the bot token again."""
        self._access.refused = ""

    def revoke_scope(self, scope: str, *, silently: bool = False) -> None:
        """Take a scope away. `silently`: names are ignored, not refused, without their scope."""
        self._access.scopes.discard(scope)
        self._access.ignores_names = silently

    def grant_scope(self, scope: str) -> None:
        """Give a scope back."""
        self._access.scopes.add(scope)

    def refuse_streams(
        self, error: str = "channel_type_not_supported", kind: str | None = None
    ) -> None:
        """Refuse streams in one kind of channel (`channel`, `group`, `im`), or in all of them.

        Raises:
            ValueError: there is no such kind.
        """
        kinds = [ChannelKind(kind)] if kind else list(ChannelKind)
        self._streams.refused |= dict.fromkeys(kinds, error)

    def allow_streams(self) -> None:
        """Take streams again, everywhere."""
        self._streams.refused.clear()

    def remove_app(self) -> None:
        """Somebody takes the app out of the workspace; its two events come in any order."""
        revoked = {"oauth": [], "bot": [self._workspace.bot_user_id]}
        self._workspace.announce({"type": "tokens_revoked", "tokens": revoked})
        self._workspace.announce({"type": "app_uninstalled"})
        self._access.refused = "account_inactive"

    def unsubscribe(self, event: str) -> None:
        """The app is no longer told of this event, such as `message.channels`."""
        self._workspace.unsubscribed.add(event)

    def subscribe(self, event: str) -> None:
        """The app is told of this event again."""
        self._workspace.unsubscribed.discard(event)

    def archive(self, channel: str) -> None:
        """Archive a channel: nobody can write there any more."""
        self._workspace.channel_event("channel_archive", channel)
        self._channels[channel].archived = True

    def unarchive(self, channel: str) -> None:
        """Open an archived channel again."""
        self._channels[channel].archived = False
        self._workspace.channel_event("channel_unarchive", channel)

    def remove_bot(self, channel: str) -> None:
        """Take the app out of a channel."""
        self._channels[channel].bot_is_member = False
        self._workspace.channel_event("channel_left", channel)

    def invite_bot(self, channel: str) -> None:
        """Bring the app into a channel."""
        self._channels[channel].bot_is_member = True
        joined = {"user": self._workspace.bot_user_id, "team": self._workspace.team}
        self._workspace.channel_event("member_joined_channel", channel, **joined)

    def send_requests_to(self, url: str, signing_secret: str) -> None:
        """HTTP instead of Socket Mode: everything goes to `url`, signed with this secret."""
        self._sockets.request_url = RequestUrl(
            url,
            signing_secret,
            clock=self._workspace.clock,
            tasks=self._tasks,
            heard=self._envelopes.heard,
        )

    def disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell every socket to leave: refresh_requested, warning or link_disabled."""
        self._sockets.disconnect(reason)

    def drop_sockets(self) -> None:
        """Break every socket without a closing handshake."""
        self._sockets.cut_all()

    def switch_off_socket_mode(self) -> None:
        """Switch Socket Mode off: sockets are told `link_disabled`, and no more are given."""
        self._sockets.switched_off = True
        self._sockets.disconnect("link_disabled")

    def switch_on_socket_mode(self) -> None:
        """Switch Socket Mode on again."""
        self._sockets.switched_off = False

    def add_stranger(self, n: int = 1) -> None:
        """Another process with the same token holds `n` sockets, and takes its share of events."""
        self._sockets.add_strangers(n)

    def remove_strangers(self) -> None:
        """The other process leaves."""
        self._sockets.remove_strangers()

    def deafen_sockets(self, n: int = 10) -> None:
        """The first `n` open sockets get no more events until renewed, though pings go on."""
        for socket in self._sockets.open[:n]:
            socket.deaf = True

    def silence_sockets(self, n: int = 10) -> None:
        """Nothing comes from the first `n` open sockets any more, no ping either, until renewed."""
        for socket in self._sockets.open[:n]:
            socket.silent = True

    def limit_history(self, *, on: bool = True) -> None:
        """Read threads and channels as a distributed app may: once a minute, 15 messages."""
        self._access.distributed = on
        self._web.limits.distributed = on

    def refuse_connections(self, error: str = "internal_error", n: int = 1) -> None:
        """The next `n` requests for a socket's address are refused."""
        self.fail(_CONNECT, error, n)

    def refuse_handshakes(self, n: int = 1, status: int = 503) -> None:
        """The next `n` sockets are refused with this HTTP status."""
        self._sockets.refuse_handshakes(n, status)

    def deliver_garbage(self, text: str = "{not json") -> None:
        """Send a frame that makes no sense on every socket."""
        self._sockets.send_garbage(text)

    def redeliver(self, event_id: str) -> bool:
        """Deliver an event once more, acked or not; whether a socket took it.

        Raises:
            LookupError: there is no such event.
        """
        return self._envelopes.redeliver(event_id)

    def duplicate_next(self, n: int = 1) -> None:
        """The next `n` envelopes are delivered twice at once."""
        self._envelopes.to_double += n

    def reorder_next(self, n: int = 1) -> None:
        """The next two events are swapped: the first waits for the second. `n` such pairs."""
        self._envelopes.to_swap += n

    def go_deaf(self, n: int = 1) -> None:
        """The next `n` deliveries vanish, though the socket stays open."""
        self._envelopes.to_swallow += n
