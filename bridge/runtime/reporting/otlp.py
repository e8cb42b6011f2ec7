"""How are spans sent? OTLP over HTTP (opentelemetry.io/docs/specs/otlp), as its own library says.

The library is an extra: imported here alone, and only where an endpoint is configured.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import aiohttp

from bridge import __version__, log
from bridge.config import TelemetrySettings, read_headers
from bridge.errors import ConfigurationError
from bridge.runtime.reporting.spans import Span

#: How long one request may take.
_TIMEOUT = aiohttp.ClientTimeout(total=10.0)

#: Sends spans; whether they were taken.
Export = Callable[[Sequence[Span]], Awaitable[bool]]


def refuse_unsendable(settings: TelemetrySettings) -> None:
    """Raise ConfigurationError if traces are wanted, and what sends them is not installed."""
    if settings.otlp_endpoint:
        _encoder(settings.service_name)


def exporter(settings: TelemetrySettings, http: aiohttp.ClientSession) -> Export:
    """Sends spans to the endpoint that is configured.

    Raises:
        ConfigurationError: what that needs is not installed.
    """
    encode = _encoder(settings.service_name)
    headers = read_headers(settings.headers.get_secret_value()) if settings.headers else {}
    log.know(headers.values())

    async def export(spans: Sequence[Span]) -> bool:
        try:
            async with http.post(
                settings.otlp_endpoint,
                data=await asyncio.to_thread(encode, spans),
                headers={**headers, "content-type": "application/x-protobuf"},
                # A redirect would carry the headers to wherever it points.
                allow_redirects=False,
                timeout=_TIMEOUT,
            ) as response:
                return response.ok  # what else it says is not read: it may never end
        except (TimeoutError, aiohttp.ClientError, OSError):
            return False

    return export


def _encoder(service: str) -> Callable[[Sequence[Span]], bytes]:
    """Makes one request's body of spans; raises ConfigurationError."""
    try:
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags
    except ImportError:
        raise ConfigurationError(
            "telemetry.otlp_endpoint is set, and what sends traces is not installed",
            remedy='install it: pip install "polyai-bridge[otel]", or remove otlp_endpoint',
        ) from None
    host = socket.gethostname()
    resource = Resource(
        {"service.name": service, "service.version": __version__, "host.name": host}
    )

    def context(trace: int, span: int) -> SpanContext:
        return SpanContext(trace, span, is_remote=False, trace_flags=TraceFlags(1))

    def readable(span: Span) -> Any:  # noqa: ANN401 - the extra's own type
        return ReadableSpan(
            span.name,
            context=context(span.trace, span.id),
            parent=context(span.trace, span.parent) if span.parent else None,
            resource=resource,
            attributes=span.attributes,
            links=[Link(context(*link)) for link in span.links],
            status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
            start_time=_nanoseconds(span.since),
            end_time=_nanoseconds(span.until),
        )

    def encode(spans: Sequence[Span]) -> bytes:
        body: bytes = encode_spans([readable(span) for span in spans]).SerializeToString()
        return body

    return encode


def _nanoseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000) * 1000
