"""Is each event one line that tells it all, but no secret?"""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import structlog

from bridge import log
from bridge.errors import Unreachable

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl-_"
SECRETS = [
    "xoxb-111-222-AbCdEf",
    "xoxp-111-222-AbCdEf",
    "xoxe.xoxp-1-AbCdEf",
    "xapp-1-A0123-456-abcdef0123456789",
    JWT,
]
LIBRARIES = [
    "aiohttp.access",
    "aiosqlite",
    "alembic.runtime.migration",
    "asyncio",
    "slack_bolt.App",
    "slack_sdk.web.client",
    "sqlalchemy.engine.Engine",
    "websockets.client",
]
#: How a secret that looks like nothing gives itself away: by what stands before it.
WRAPPED = [
    "wss://host.example/ws?session_id=1&access_token=hunter2secret&cursor=3",
    "wss://wss-primary.slack.com/link/?ticket=hunter2secret&app_id=5",
    "https://host.example/?next=%2Fws%3Faccess_token%3Dhunter2secret%26cursor",
    "Authorization: Bearer hunter2secret",
    "{'Authorization': 'Bearer hunter2secret'}",
    "X-Token: hunter2secret",
    "<CIMultiDict('X-Token': 'hunter2secret', 'X-Host': 'https://a.example')>",
    '{"connector_token": "hunter2secret", "a": 1}',
    "bot_token=hunter2secret",
]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Standard error; the set-up of logging is put back afterwards."""
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    names = [None, "bridge.test", "others", "slack_sdk", "websockets"]
    before = {name: logging.getLogger(name).level for name in names}
    root = logging.getLogger()
    handlers = root.handlers[:]
    yield screen
    root.handlers[:] = handlers
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def configured(lines: io.StringIO, level: str = "info", layout: str = "text") -> None:
    log.configure(level, layout)
    for handler in logging.getLogger().handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(lines)


def documents(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_an_event_is_one_line_with_its_fields(lines: io.StringIO) -> None:
    configured(lines)

    log.get("bridge.test").info("session.opened", agent="default", number=3, why="two words")

    instant, _, rest = lines.getvalue().partition(" ")
    assert datetime.fromisoformat(instant).tzinfo is not None
    assert rest == 'info     session.opened agent=default number=3 why="two words"\n'


def test_an_event_is_one_document_with_its_fields(lines: io.StringIO) -> None:
    configured(lines, layout="json")

    log.get("bridge.test").warning("delivery.retry", delivery="c1.2", names=["ä", "b"])

    (document,) = documents(lines)
    assert datetime.fromisoformat(document.pop("timestamp")).tzinfo is not None
    assert document == {
        "level": "warning",
        "logger": "polyai_bridge.bridge.test",
        "event": "delivery.retry",
        "delivery": "c1.2",
        "names": ["ä", "b"],
    }


def test_what_no_json_can_hold_is_told_as_text(lines: io.StringIO) -> None:
    configured(lines, layout="json")

    log.get("bridge.test").info("odd", value={1})

    assert documents(lines)[0]["value"] == "{1}"


@pytest.mark.parametrize("layout", ["text", "json"])
def test_no_value_can_begin_a_line_of_its_own(lines: io.StringIO, layout: str) -> None:
    configured(lines, layout=layout)

    log.get("bridge.test").info("said", field="a\nforged.event b=c\r\x1b[2J")
    logging.getLogger("others").warning("one\nforged.event b=c")

    shown = lines.getvalue()
    assert len(shown.splitlines()) == 2
    assert "\x1b" not in shown
    assert "\r" not in shown


@pytest.mark.threat("T-65")
@pytest.mark.parametrize("layout", ["text", "json"])
def test_a_line_shows_what_can_be_printed_and_nothing_else(lines: io.StringIO, layout: str) -> None:
    configured(lines, layout=layout)
    odd = "a\x9b31m\u202eb\u2066\u200f\u2028\x7fé"

    log.get("bridge.test").info("said", field=odd)

    (line,) = lines.getvalue().removesuffix("\n").split("\n")
    assert line.isprintable()
    assert layout == "text" or json.loads(line)["field"] == odd


@pytest.mark.parametrize("odd", ["a\u2028b", "a\x85b", "a\u202eb", "a=b", "a b", 'a"b', "", "é\n"])
def test_a_value_that_is_not_plain_can_be_read_back(lines: io.StringIO, odd: str) -> None:
    configured(lines)

    log.get("bridge.test").info("said", field=odd, last=1)

    (line,) = lines.getvalue().splitlines()
    assert json.loads(line.partition("field=")[2].removesuffix(" last=1")) == odd


def test_an_exception_follows_its_event(lines: io.StringIO) -> None:
    configured(lines)

    try:
        raise RuntimeError("no way")
    except RuntimeError:
        log.get("bridge.test").exception("worker.surprise", entry=1)

    first, *below = lines.getvalue().splitlines()
    assert first.endswith("worker.surprise entry=1")
    assert below[0].startswith("Traceback")
    assert "in test_an_exception_follows_its_event" in below[-2]
    assert below[-1] == "RuntimeError"  # its own words may be what somebody said


def test_other_libraries_speak_the_same_way(lines: io.StringIO) -> None:
    configured(lines, layout="json")

    logging.getLogger("others").warning("%s of %d", "one", 2, extra={"where": "here"})

    (document,) = documents(lines)
    assert document["event"] == "one of 2"
    assert document["logger"] == "others"
    assert document["where"] == "here"


@pytest.mark.parametrize(
    ("level", "heard"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_only_events_from_the_level_up_are_told(
    lines: io.StringIO, level: str, heard: list[str]
) -> None:
    configured(lines, level, "json")
    logger = log.get("bridge.test")

    for method in (logger.debug, logger.info, logger.warning, logger.error):
        method("something.happened")

    assert [document["level"] for document in documents(lines)] == heard


def test_talkative_libraries_are_heard_from_warning_up_at_any_level(lines: io.StringIO) -> None:
    configured(lines, "debug", "json")

    for name in LIBRARIES:
        logging.getLogger(name).info("a body, a frame, an address")
        logging.getLogger(name).warning("trouble")

    assert [document["event"] for document in documents(lines)] == ["trouble"] * len(LIBRARIES)


def test_talkative_libraries_are_not_louder_than_the_rest(lines: io.StringIO) -> None:
    configured(lines, "error", "json")

    logging.getLogger("slack_sdk").warning("trouble")

    assert lines.getvalue() == ""


def test_a_second_set_up_replaces_the_first(lines: io.StringIO) -> None:
    logger = log.get("bridge.test")
    configured(lines)
    configured(lines, layout="json")

    logger.info("once")

    assert [document["event"] for document in documents(lines)] == ["once"]


def test_an_exception_of_ours_is_told_in_its_words_and_what_it_came_from(
    lines: io.StringIO,
) -> None:
    configured(lines)

    try:
        try:
            raise LookupError("what somebody said")
        except LookupError as cause:
            raise Unreachable("PolyAI is away", remedy="wait") from cause
    except Unreachable:
        log.get("bridge.test").exception("socket.surprise")
        logging.getLogger("others").exception("failed")

    shown = lines.getvalue()
    assert shown.count("Unreachable: PolyAI is away (wait)") == 2
    assert shown.count("LookupError\n") == 2
    assert "somebody" not in shown


async def test_fields_bound_to_a_context_are_told_with_each_event(lines: io.StringIO) -> None:
    configured(lines, layout="json")

    async def conversation(name: str) -> None:
        with structlog.contextvars.bound_contextvars(conversation=name):
            await asyncio.sleep(0)
            log.get("bridge.test").info("step")

    async with asyncio.TaskGroup() as tasks:
        for name in "ab":
            tasks.create_task(conversation(name))

    assert [document["conversation"] for document in documents(lines)] == ["a", "b"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("layout", ["text", "json"])
def test_a_secret_is_masked_wherever_it_comes_in(
    lines: io.StringIO, layout: str, secret: str
) -> None:
    configured(lines, layout=layout)
    logger = log.get("bridge.test")

    logger.info(f"event {secret}", **{secret: 1})
    logger.info("field", bare=secret, inside={"list": [f"({secret})"], secret: 1}, odd={secret})
    logging.getLogger("others").warning("with %s", secret, extra={"other": secret})
    try:
        raise ValueError(f"refused: {secret!r}") from KeyError(secret)
    except ValueError:
        logger.exception("failed")
        logging.getLogger("others").exception("failed")

    shown = lines.getvalue()
    assert shown.count("[secret]") >= 8
    assert secret[10:] not in shown


@pytest.mark.parametrize("layout", ["text", "json"])
@pytest.mark.parametrize("wrapped", WRAPPED)
def test_a_secret_is_known_by_what_stands_before_it(
    lines: io.StringIO, layout: str, wrapped: str
) -> None:
    configured(lines, layout=layout)

    log.get("bridge.test").info("field", value=wrapped, inside=[wrapped])
    logging.getLogger("others").warning(wrapped)

    shown = lines.getvalue()
    assert "hunter2" not in shown
    assert shown.count("[secret]") == 3


def test_what_stands_around_a_secret_is_kept() -> None:
    assert log.redact("wss://a/ws?session_id=1&access_token=abc&cursor=3") == (
        "wss://a/ws?session_id=1&access_token=[secret]&cursor=3"
    )
    assert log.redact("token xoxb-1-a refused") == "token xoxb-[secret] refused"


@pytest.mark.parametrize(
    "text",
    [
        "session.opened conversation=c1 number=2",
        "the Bot User OAuth Token, which begins with xoxb-",
        "POLYAI_BRIDGE_AGENTS__DEFAULT__CONNECTOR_TOKEN is missing",
        "agents.default.connector_token: is missing",
        "eyJ is how they begin",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert log.redact(text) == text


def test_redacting_twice_is_redacting_once() -> None:
    for text in (*SECRETS, *WRAPPED):
        assert log.redact(log.redact(text)) == log.redact(text)


def test_a_surprise_is_told_by_kind_and_place_without_its_words() -> None:
    def deep() -> None:
        raise LookupError("what somebody said")

    try:
        deep()
    except LookupError as error:
        told = log.where(error)

    assert told.startswith("LookupError at test_log.py:")
    assert "somebody" not in told


def test_a_surprise_that_was_never_raised_has_no_place() -> None:
    assert log.where(ValueError("x")) == "ValueError"


def test_a_secret_that_was_made_known_is_masked_however_it_is_written() -> None:
    log.know(['pass/word "7"', "short"])

    assert log.redact('a pass/word "7" here') == "a [secret] here"
    assert log.redact("?key=pass%2Fword%20%227%22") == "?key=[secret]"
    assert log.redact('{"key": "pass/word \\"7\\""}') == '{"key": "[secret]"}'
    assert log.redact("short words are left alone") == "short words are left alone"


async def test_an_adapters_lines_say_whom_they_concern_and_nobody_elses(
    lines: io.StringIO,
) -> None:
    configured(lines, layout="json")

    async def adapter(name: str) -> None:
        log.about(adapter=name, delivery="c1.2")
        await asyncio.create_task(speak())

    async def speak() -> None:
        logging.getLogger("polyai_bridge.adapters.slack").warning("slack.socket_silent")
        logging.getLogger("aiohttp").warning("trouble")
        log.get("status").info("agent.available", agent="default")

    await asyncio.gather(adapter("one"), adapter("two"))

    told = [(document["event"], document.get("adapter")) for document in documents(lines)]
    assert sorted(told, key=str) == sorted(
        [
            ("slack.socket_silent", "one"), ("slack.socket_silent", "two"),
            ("trouble", None), ("trouble", None),
            ("agent.available", None), ("agent.available", None),
        ],
        key=str,
    )  # fmt: skip
