"""Traces go out in nobody's way: what cannot be sent is counted, and said once."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import ValidationError

from bridge.config import TelemetrySettings, read_headers
from bridge.errors import ConfigurationError
from bridge.model.ids import DeliveryId
from bridge.runtime.reporting import otlp
from bridge.runtime.reporting.metrics import Metrics
from bridge.runtime.reporting.otlp import exporter, refuse_unsendable
from bridge.runtime.reporting.spans import Span
from bridge.runtime.reporting.telemetry import MOST_TO_TELL, Telemetry
from bridge.runtime.world import World
from bridge.testing.builders import said
from bridge.testing.clock import NOON, FakeClock
from tests.unit.runtime.journey import Journey, journey

ENDPOINT = "http://127.0.0.1:4318/v1/traces"


class Far:
    """Takes spans, or does not."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.takes = True

    async def export(self, spans: Sequence[Span]) -> bool:
        self.spans += spans if self.takes else []
        return self.takes


@pytest.fixture
async def way(tmp_path: Path) -> AsyncIterator[Journey]:
    async with journey(tmp_path) as way:
        await way.say("words", opens=True)
        await way.connect()
        await way.echo(DeliveryId("c1.1"), "words")
        await way.answer(said("an answer", "m1"))
        yield way


async def test_what_came_to_its_end_is_told_also_what_a_kill_left(
    way: Journey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "polyai_bridge")
    far, clock = Far(), FakeClock()
    telemetry = Telemetry(way.store, World(clock=clock), far.export, 1.0)
    running = asyncio.create_task(telemetry.run())
    while not clock.sleepers:
        await asyncio.sleep(0)
    far.takes = False
    await telemetry.finish()
    assert telemetry.dropped == 2
    far.takes = True
    telemetry.settled(DeliveryId("c1.2"))
    await telemetry.finish()
    running.cancel()

    assert {span.name for span in far.spans if span.name.startswith("owed ")} == {"owed post"}
    assert telemetry.dropped == 2
    events = [record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)]
    assert events == ["telemetry.failing", "telemetry.working"]


async def test_only_a_part_is_told_if_that_is_wanted(way: Journey) -> None:
    far = Far()
    telemetry = Telemetry(way.store, World(clock=FakeClock()), far.export, 0.0)
    telemetry.settled(DeliveryId("c1.2"))
    await telemetry.finish()

    assert (far.spans, telemetry.dropped) == ([], 0)


async def test_more_than_there_is_room_for_is_dropped_and_counted(way: Journey) -> None:
    metrics = Metrics()
    lost = metrics.untraced
    telemetry = Telemetry(way.store, World(clock=FakeClock()), Far().export, 1.0, lost)
    for number in range(MOST_TO_TELL + 5):
        telemetry.settled(DeliveryId(f"c9.{number}"))

    assert telemetry.dropped == 5
    assert metrics.registry.get_sample_value("polyai_bridge_traces_dropped_total") == 5


async def test_a_fault_while_a_trace_is_made_harms_nobody(way: Journey) -> None:
    async def breaks(_: Sequence[Span]) -> bool:
        raise RuntimeError("a fault")

    telemetry = Telemetry(way.store, World(clock=FakeClock()), breaks, 1.0)
    telemetry.settled(DeliveryId("c1.2"))
    await telemetry.finish()

    assert telemetry.dropped == 1


async def test_nobody_at_the_endpoint_is_a_failure_and_no_more() -> None:
    async with aiohttp.ClientSession() as http:
        settings = TelemetrySettings(otlp_endpoint="http://127.0.0.1:9/v1/traces")
        assert not await exporter(settings, http)([])


async def test_an_answer_without_end_is_not_read() -> None:
    ended = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nnever ends")
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(endless, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = TelemetrySettings(otlp_endpoint=f"http://127.0.0.1:{port}/v1/traces")
        async with aiohttp.ClientSession() as http, asyncio.timeout(5):
            assert await exporter(settings, http)([])
            await ended.wait()


def test_a_span_is_encoded_as_otlp_says() -> None:
    encode = otlp._encoder("some bridge")
    span = Span(
        trace=7,
        id=8,
        parent=9,
        name="posted",
        since=NOON,
        until=NOON,
        attributes={"polyai_bridge.hop": "posted"},
        failed=True,
        links=((1, 2),),
    )

    (resource,) = ExportTraceServiceRequest.FromString(encode([span])).resource_spans

    (told,) = resource.scope_spans[0].spans
    assert (int.from_bytes(told.trace_id), int.from_bytes(told.span_id)) == (7, 8)
    assert int.from_bytes(told.parent_span_id) == 9
    assert told.start_time_unix_nano == int(NOON.timestamp()) * 10**9
    assert told.status.code == 2
    assert len(told.links) == 1
    assert {one.key: one.value.string_value for one in resource.resource.attributes}[
        "service.name"
    ] == "some bridge"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.startswith("opentelemetry"):
            monkeypatch.setitem(sys.modules, name, None)
    refuse_unsendable(TelemetrySettings())

    with pytest.raises(ConfigurationError) as refused:
        refuse_unsendable(TelemetrySettings(otlp_endpoint=ENDPOINT))

    assert 'pip install "polyai-bridge[otel]"' in (refused.value.remedy or "")


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("", {}),
        ("authorization=Bearer a.b-c==", {"authorization": "Bearer a.b-c=="}),
        ("X-Team=red, Authorization=Basic eA==", {"x-team": "red", "authorization": "Basic eA=="}),
    ],
)
def test_headers_are_written_with_commas_between(text: str, headers: dict[str, str]) -> None:
    assert read_headers(text) == headers


@pytest.mark.parametrize("text", ["secret", "a b=secret", "a=secret,", "a=", "a=b\nc=secret"])
def test_headers_that_are_none_are_refused_without_a_word_of_them(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TelemetrySettings.model_validate({"headers": text})

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [{"sample": 1.5}, {"sample": True}, {"otlp_endpoint": "http://far.example/"}, {"other": 1}],
)
def test_settings_that_make_no_sense_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TelemetrySettings.model_validate(given)
