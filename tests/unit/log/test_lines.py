"""Is each line valid whatever was put into it, and as the journal likes it?"""

import io
import json
import logging
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import log
from bridge.errors import Unreachable
from bridge.log.lines import formatter, to_journal


class Unshowable:
    """What cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError


def record(
    level: int = logging.INFO, error: BaseException | None = None, **fields: object
) -> logging.LogRecord:
    told = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("others", level, "file", 1, "it happened", (), told)
    vars(made).update(fields)
    return made


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=5,
)


@given(VALUES | st.just(Unshowable()) | st.just(CIRCLE) | st.just({(1, 2): 3}))
def test_every_document_is_valid_and_one_line(value: object) -> None:
    line = formatter("json", journal=False).format(record(field=value))

    def refused(name: str) -> None:
        raise AssertionError(name)

    assert json.loads(line, parse_constant=refused)["event"] == "it happened"
    assert "\n" not in line


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, 7), (logging.INFO, 6), (logging.WARNING, 4), (logging.ERROR, 3), (50, 2)],
)
@pytest.mark.parametrize("layout", ["text", "json"])
def test_the_journal_is_told_the_priority_of_each_line(
    layout: str, level: int, priority: int
) -> None:
    try:
        raise LookupError
    except LookupError as error:
        lines = formatter(layout, journal=True).format(record(level, error)).splitlines()

    assert all(line.startswith(f"<{priority}>") for line in lines)
    assert len(lines) == (1 if layout == "json" else 4)


def test_the_journal_has_its_own_instants() -> None:
    line = formatter("text", journal=True).format(record(where="here"))

    assert line == "<6>info     it happened where=here"


def test_the_journal_is_known_by_its_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "stream").open("w") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert to_journal(stream)
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino + 1}")
        assert not to_journal(stream)
        monkeypatch.delenv("JOURNAL_STREAM")
        assert not to_journal(stream)
    assert not to_journal(stream)  # it is closed
    assert not to_journal(io.StringIO())


def test_the_set_up_looks_where_standard_error_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "stream").open("w") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        monkeypatch.setattr("sys.stderr", stream)
        log.configure("info", "text")
        log.get("app").error("bridge.broken")
        logging.getLogger().handlers.clear()

    assert (tmp_path / "stream").read_text() == "<3>error    bridge.broken\n"


def test_a_line_that_cannot_be_made_is_told_by_its_place_and_fails_nobody(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure("info", "text")
    theirs = logging.getLogger(f"{log.OURS}.adapter")

    theirs.warning("%s %d", "hunter2secret")
    theirs.warning(Unshowable())

    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert all("log.not_written of=polyai_bridge.adapter at=test_lines.py:" in one for one in told)


@pytest.mark.parametrize("layout", ["text", "json"])
def test_no_words_of_an_error_or_an_adapter_begin_a_line_or_move_a_terminal(layout: str) -> None:
    try:
        raise Unreachable("it said\n2026 error forged \x1b[2J")
    except Unreachable as error:
        whole = record(error=error)
    fields = record(exception="it said\nerror forged \x1b[2J", stack="that\nerror forged")

    lines = [formatter(layout, journal=False).format(one) for one in (whole, fields)]

    told = "\n".join(lines).splitlines()
    assert "forged" in told[-1]
    assert not any(re.match("(2026 )?error forged", one) for one in told)
    assert all(one.isprintable() for one in told)
