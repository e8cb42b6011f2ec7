"""One trace from the Slack event to the Slack reply, at a real OTLP/HTTP receiver."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests import leaks
from tests.stage import Stage, staged

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

SECRET = "Bearer a-very-secret-token-of-the-collector"
TABLE = """
[telemetry]
otlp_endpoint = "{endpoint}"
service_name = "bridge under test"
headers = "authorization={secret}"
"""


class Receiver:
    """Takes OTLP over HTTP, and keeps what came."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[str] = []
        self.broken = False
        application = web.Application()
        application.router.add_post("/v1/traces", self._take)
        self.server = TestServer(application)

    @property
    def endpoint(self) -> str:
        return str(self.server.make_url("/v1/traces"))

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def of(self, message: str) -> Span | None:
        """The span of one message, without its hops."""
        return next(
            (s for s in self.spans if attributes(s).get(MESSAGE) == message and whole(s)), None
        )

    async def _take(self, request: web.Request) -> web.Response:
        if self.broken:
            return web.Response(status=503)
        self.headers.append(request.headers.get("authorization", ""))
        body = await request.read()
        leaks.shown("a trace", body)
        self.requests.append(ExportTraceServiceRequest.FromString(body))
        return web.Response(content_type="application/x-protobuf")


MESSAGE = "polyai_bridge.message"


def attributes(span: Span) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes}


def whole(span: Span) -> bool:
    return "polyai_bridge.hop" not in attributes(span)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with receiver.server:
        yield receiver


@pytest.fixture
async def stage(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Stage]:
    """Everything but the bridge is running, which is told of the receiver."""
    async with staged(tmp_path) as stage:
        stage.configure(echo_timeout='"1s"', reconnect_max='"1s"')
        table = TABLE.format(endpoint=receiver.endpoint, secret=SECRET)
        stage.config.write_text(table + stage.config.read_text())
        yield stage


def posts(receiver: Receiver) -> list[Span]:
    return [span for span in receiver.spans if span.name == "owed post"]


async def test_one_trace_holds_the_event_and_the_reply_across_a_kill(
    stage: Stage, receiver: Receiver
) -> None:
    # The reply is attempted for the second time when the process dies: the greeting was first.
    await stage.start(dies_at="after-attempt:2")
    await stage.connected()
    thread = await stage.mention("say the secret words")
    await stage.died()
    await stage.start()
    await stage.until(lambda: "the secret words" in stage.told(thread))
    await stage.until(lambda: len(posts(receiver)) >= 2)
    await stage.stop()

    said = receiver.of("inbox.1")
    assert said is not None
    replies = [post for post in posts(receiver) if post.parent_span_id == said.span_id]
    assert len({reply.span_id for reply in replies}) == 2, "the greeting and the reply"
    assert {reply.trace_id for reply in replies} == {said.trace_id}
    spans = [span for span in receiver.spans if span.trace_id == said.trace_id]
    below = {span.name for span in spans if span.parent_span_id == replies[-1].span_id}
    assert {"owed", "attempted", "posted"} <= below
    assert {"journaled", "stepped", "owed ask"} <= {
        span.name for span in spans if span.parent_span_id == said.span_id
    }
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano for span in spans)
    assert set(receiver.headers) == {SECRET}
    bodies = b"".join(request.SerializeToString() for request in receiver.requests)
    for word in (b"secret words", stage.ann.encode(), stage.channel.encode(), SECRET.encode()):
        assert word not in bodies
    assert b"bridge under test" in bodies


async def test_a_receiver_that_takes_nothing_harms_nobody(stage: Stage, receiver: Receiver) -> None:
    receiver.broken = True
    await stage.started()
    thread = await stage.opened()
    await stage.until(lambda: "telemetry.failing" in stage.log.read_text())
    receiver.broken = False
    await stage.reply(thread, "say again")
    await stage.until(lambda: "again" in stage.told(thread))
    await stage.until(lambda: "telemetry.working" in stage.log.read_text())
    assert SECRET not in stage.log.read_text()
