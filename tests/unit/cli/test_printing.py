"""What comes from outside is printed, and obeyed by no terminal."""

import json

import pytest

from bridge.cli.printing import print_json, print_table, visible

EVIL = "a\x1b]0;owned\x07\x1b[2Jb\x9b31m\u202ec\u2066\u200fd\r\ne\x7f\t\u2028f"


def test_a_cell_is_one_line_of_what_can_be_seen(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("NAME", "STATE"), [(EVIL, "open"), ("münchen ☕", "closed")])
    out = capsys.readouterr().out

    assert len(out.splitlines()) == 3
    assert all(c.isprintable() or c == "\n" for c in out)
    assert "münchen ☕" in out


def test_json_holds_everything_and_shows_none_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": EVIL, "other": ["münchen ☕"]})
    out = capsys.readouterr().out

    assert json.loads(out) == {"name": EVIL, "other": ["münchen ☕"]}
    assert all(c.isprintable() or c == "\n" for c in out)
    assert "münchen ☕" in out


def test_words_are_left_as_they_are() -> None:
    assert visible("Anna Müller, 東京, 👩\u200d💻 €") == "Anna Müller, 東京, 👩\u200d💻 €"
