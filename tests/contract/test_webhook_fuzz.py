"""Does the running adapter keep what its OpenAPI document promises, whatever it is sent?

Requests are made from the document, right ones and wrong ones, always the same; each is signed as
the document says, and sent to the bridge's own listener.
"""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.core.parameters import ParameterLocation

from bridge.clock import wall_time
from bridge.model.inbound import InboundBody, TooFast
from bridge.plugin.signing import signed
from tests.contract.webhook_front import SECRET, Front, fronted
from tests.examples import many

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(300)]

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "webhook-openapi.json").read_text())
schema = schemathesis.openapi.from_dict(DOCUMENT)


def sign(request: Any) -> Any:  # noqa: ANN401 - of a library that is not typed
    """Sign whatever is about to be sent."""
    body = request.body or b""
    content = body.encode() if isinstance(body, str) else bytes(body)
    request.headers.update(signed(SECRET, content, wall_time()))
    return request


@dataclass
class Fuzzed:
    """The running adapter, and how often it answered with each status."""

    front: Front
    answers: Counter[int] = field(default_factory=Counter)


@contextmanager
def running() -> Iterator[Front]:
    """The adapter behind its listener, on a loop of its own: what asks it here blocks."""
    ready: list[Front] = []
    begun, leave = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with fronted() as front:
            ready.append(front)
            begun.set()
            await leave.wait()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert begun.wait(20)
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(leave.set)
        thread.join(20)
        loop.close()


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Fuzzed]:
    """For all requests together; what they were is looked at when all are answered."""
    with running() as front:
        tried = Fuzzed(front)
        yield tried
        kinds = {type(inbound.body) for inbound in front.host.accepted}
        assert kinds == set(InboundBody.__args__) - {TooFast}
        assert tried.answers.keys() >= {200, 400, 401, 405, 415}


@schema.parametrize()
@settings(
    derandomize=True,
    max_examples=many(200),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_request_is_answered_as_the_document_says(case: "Case[Any]", fuzzed: Fuzzed) -> None:
    base_url = fuzzed.front.url.removesuffix("/webhook/messages")
    spoiled = case.meta is not None and case.meta.is_negative_at(ParameterLocation.HEADER)
    answer = case.call_and_validate(base_url=base_url, auth=None if spoiled else sign)
    fuzzed.answers[answer.status_code] += 1
