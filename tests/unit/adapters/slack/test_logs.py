"""Does what the SDK says reach the log without its words?"""

import logging

import pytest

from adapters.slack.logs import LOG, sdk_log


def test_the_sdk_may_say_that_something_happened_but_not_what(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = sdk_log()
    try:
        raise ValueError("wss://wss.example/?ticket=secret")
    except ValueError as error:
        log.exception(f"Failed to connect (error: {error}); %s", "secret")  # as the SDK writes
    (record,) = caplog.records
    assert record.getMessage() == "slack.sdk_trouble"
    assert record.exc_info is None
    assert vars(record)["error"] == "ValueError"
    assert vars(record)["where"] == "test_the_sdk_may_say_that_something_happened_but_not_what"
    assert "secret" not in str(vars(record))


def test_the_sdk_logs_nothing_below_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for log in (sdk_log(), logging.getLogger("slack_sdk"), logging.getLogger("slack_bolt")):
        log.debug("payload")
        log.info("payload")
        assert log.level >= logging.WARNING
    assert not caplog.records


def test_asking_twice_adds_nothing() -> None:
    assert sdk_log() is sdk_log()
    assert len(sdk_log().filters) == 1


def test_our_own_log_is_not_muted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger=LOG.name)
    LOG.info("slack.something", extra={"number": 1})
    assert [record.getMessage() for record in caplog.records] == ["slack.something"]
