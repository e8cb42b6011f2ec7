"""A. Handshake and credentials."""

import json

import pytest

from tests.conformance.stage import ConformanceStage

pytestmark = pytest.mark.conformance


async def test_001_first_contact_in_order(stage: ConformanceStage) -> None:
    """Given a healthy service and a first message in a new thread: a token is asked for with the
    configured connector and host, byte for byte, then a session with that token, then a socket of
    that session without a cursor."""
    before = len(stage.polyai.calls)  # the start proves the credentials
    thread = await stage.mention("hello")
    await stage.until(lambda: "You said: hello" in stage.told(thread))

    token, session, socket = stage.polyai.calls[before:]
    assert (token.method, token.path, token.status) == ("POST", "/api/v1/access-token", 200)
    assert token.headers["X-Token"] == "simulated-connector-token"
    assert token.headers["X-Host"] == "https://demo.example"
    assert token.headers["Content-Type"] == "application/json"
    assert token.body == "{}"
    assert (session.method, session.path, session.status) == ("POST", "/api/v1/sessions", 200)
    assert session.headers["Authorization"] == f"Bearer {stage.session.token}"
    assert json.loads(session.body) == {"streaming_enabled": True, "platform": "custom"}
    assert (socket.method, socket.path, socket.status) == ("GET", "/ws", 101)
    assert socket.session_id == stage.session.id
    assert socket.cursor is None
