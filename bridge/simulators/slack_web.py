"""How does the Web API answer? HTTP in and out: credentials, limits, faults, and the record.

As in Slack an error is an HTTP 200 with `{"ok": false, "error": …}`, save for 429. The order of
refusals is Slack's: the method, the token, the rate, the scope, and then the arguments.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from bridge.clock import Clock
from bridge.simulators.slack_arguments import Arguments, Refusal
from bridge.simulators.slack_chat import Access, missing_scope
from bridge.simulators.slack_faults import Fault, FaultKind, PlannedFaults
from bridge.simulators.slack_limits import RateLimits
from bridge.simulators.slack_methods import CONFIG_TOKEN, Method, TokenOwner
from bridge.simulators.slack_tasks import OwnedTasks

Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class SimulatedCall:
    """One call as it came, without its token. `outcome`: ok, Slack's error, or the fault's name."""

    method: str
    arguments: Json
    at: datetime
    outcome: str = "pending"


@dataclass(frozen=True, slots=True)
class _Request:
    arguments: Json
    token: str
    is_json: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    body: Json
    status: int = 200
    retry_after: int | None = None

    @property
    def outcome(self) -> str:
        return "ok" if self.body.get("ok") else str(self.body.get("error", self.status))


@dataclass(slots=True, kw_only=True)
class WebApi:
    """The API's one door."""

    methods: Mapping[str, Method]
    access: Access
    limits: RateLimits
    faults: PlannedFaults
    clock: Clock
    tasks: OwnedTasks
    calls: list[SimulatedCall]
    bot_token: str
    app_token: str
    granted_tokens: set[str] = field(default_factory=set)  #: bot tokens that OAuth gave

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one call, or suffer its fault."""
        name = request.match_info["method"]
        asked, refusal = await _read(request)
        call = SimulatedCall(method=name, arguments=asked.arguments, at=self.clock.now())
        self.calls.append(call)
        fault = self.faults.take(name)
        answer = _instead(fault) or (_refused(refusal) if refusal else self._answer(name, asked))
        call.outcome = answer.outcome
        answer = _afterwards(fault, answer)
        if fault and fault.kind in (FaultKind.SLOW, FaultKind.SILENT):
            await self.tasks.wait(self.clock.now() + fault.duration)
        elif fault:
            call.outcome = fault.error or fault.kind.value
        if answer is _NOTHING:
            return _cut(request)
        of_bot = asked.token in {self.bot_token, *self.granted_tokens}
        return _written(answer, granted=self.access.scopes if of_bot else ())

    def _answer(self, name: str, asked: _Request) -> _Answer:
        try:
            return _Answer({"ok": True, **self._do(name, asked)})
        except _Limited as limited:
            return _rate_limited(limited.after)
        except Refusal as refusal:
            return _refused(refusal)

    def _do(self, name: str, asked: _Request) -> Json:
        method = self.methods.get(name)
        if method is None:
            raise Refusal("unknown_method", req_method=name)
        self._check_token(asked.token, method)
        arguments = asked.arguments if method.takes_json or not asked.is_json else {}
        channel = str(arguments.get("channel", ""))
        wait = self.limits.take(name, channel, self.clock.now())
        if wait is not None:
            raise _Limited(wait)
        if method.scope and method.scope not in self.access.scopes:
            raise missing_scope(method.scope, self.access)
        return method.do(Arguments(arguments))

    def _check_token(self, token: str, method: Method) -> None:
        if not token:
            raise Refusal("not_authed")
        owner = {
            **dict.fromkeys(self.granted_tokens, TokenOwner.BOT),
            self.bot_token: TokenOwner.BOT,
            self.app_token: TokenOwner.APP,
            CONFIG_TOKEN: TokenOwner.CONFIGURATION,
        }.get(token)
        if owner is None:
            raise Refusal("invalid_auth")
        if owner is not method.token:
            raise Refusal("not_allowed_token_type")
        if self.access.refused and owner is TokenOwner.BOT:
            raise Refusal(self.access.refused)


class _Limited(Exception):
    """Too many calls; `after` says how long to wait."""

    def __init__(self, after: timedelta) -> None:
        super().__init__()
        self.after = after


async def _read(request: web.Request) -> tuple[_Request, Refusal | None]:
    """The arguments and the token. A body that cannot be read is refused, but still recorded."""
    values: Json = dict(request.query)
    is_json = request.content_type == "application/json"
    refusal = None
    if is_json and request.body_exists:
        body, refusal = _parsed(await request.text())
        values |= body
    elif request.method == "POST":
        values |= {name: str(value) for name, value in (await request.post()).items()}
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    posted = str(values.pop("token", "")) if not is_json and "token" not in request.query else ""
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    values.pop("token", None)
    return _Request(values, bearer or posted, is_json), refusal


def _parsed(text: str) -> tuple[Json, Refusal | None]:
    try:
        body = json.loads(text)
    except ValueError:
        return {}, Refusal("invalid_json")
    if not isinstance(body, dict):
        return {}, Refusal("json_not_object")
    return body, None


def _refused(refusal: Refusal) -> _Answer:
    return _Answer({"ok": False, "error": refusal.error, **refusal.more})


def _rate_limited(after: timedelta) -> _Answer:
    body = {"ok": False, "error": "ratelimited"}
    return _Answer(body, status=429, retry_after=int(after.total_seconds()))


#: No answer at all: the connection is cut.
_NOTHING = _Answer({}, status=0)


def _instead(fault: Fault | None) -> _Answer | None:
    """What the caller gets of a fault that keeps the work from being done."""
    match fault:
        case Fault(kind=FaultKind.RATE_LIMITED):
            return _rate_limited(fault.duration)
        case Fault(kind=FaultKind.REFUSED):
            return _Answer({"ok": False, "error": fault.error})
        case Fault(kind=FaultKind.STATUS_BEFORE):
            return _Answer({}, status=fault.status)
        case Fault(kind=FaultKind.REQUEST_LOST | FaultKind.SILENT):
            return _NOTHING
    return None


def _afterwards(fault: Fault | None, answer: _Answer) -> _Answer:
    """What the caller gets of a fault that comes when the work is done."""
    match fault:
        case Fault(kind=FaultKind.RESPONSE_LOST):
            return _NOTHING
        case Fault(kind=FaultKind.STATUS_AFTER):
            return _Answer({}, status=fault.status)
    return answer


def _cut(request: web.Request) -> web.Response:
    """End the connection without an answer; what is returned is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _written(answer: _Answer, *, granted: Collection[str]) -> web.Response:
    """The answer on the wire; every call with a bot token is told that token's scopes."""
    if not answer.body:
        return web.Response(status=answer.status, text="<html></html>", content_type="text/html")
    response = web.json_response(answer.body, status=answer.status)
    if answer.retry_after is not None:
        response.headers["Retry-After"] = str(answer.retry_after)
    if granted:
        response.headers["x-oauth-scopes"] = ",".join(sorted(granted))
    return response
