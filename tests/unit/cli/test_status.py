"""What `polyai-bridge status` shows of what the bridge told."""

from typing import Any

import pytest

from bridge.cli.telling import line_of, page_of

FIGURES = {
    "disk_free_bytes": 71_234_567_890,
    "disk_free_inodes": 16_175_417,
    "overdue": 0,
    "oldest_overdue_seconds": 0.0,
    "old_and_held": 0,
    "old_and_excused": 0,
    "unseen_dead_letters": 0,
    "conversations": 12,
    "sockets": 5,
    "owed_to_threads": 0,
    "in_doubt": 0,
    "in_a_minute": 3,
    "out_a_minute": 4,
}
WELL: dict[str, Any] = {
    "running": True,
    "version": "1.2.3",
    "uptime_seconds": 11_520,
    "ready": True,
    "troubles": [],
    "adapters": {"slack": {"state": "connected", "detail": ""}},
    "agents": {"default": ""},
    "database": "",
    "figures": FIGURES,
}
ILL = {
    **WELL,
    "ready": False,
    "troubles": [
        {"dependency": "agent", "name": "default", "sentence": "no answer within 5 s"},
        {"dependency": "dead_letters", "name": "", "sentence": "many died"},
    ],
    "agents": {"default": "no answer within 5 s"},
    "figures": {**FIGURES, "overdue": 2, "oldest_overdue_seconds": 400.0, "old_and_held": 1},
}
NOBODY = {"ready": False, "running": False, "error": "No bridge serves it", "remedy": "start it"}


def test_a_page_when_all_is_well() -> None:
    assert (
        "\n".join(page_of(WELL, width=None))
        == """\
polyai-bridge 1.2.3  READY  up 3 h 12 min

  adapter    slack: connected
  agent      default: answers
  database   works
  disk       71.2 GB free, 16,175,417 inodes
  waits      0 owed to threads, 0 for too long
  dead       0 unseen of the last hour
  in doubt   0
  open       12 conversations, 5 sockets
  a minute   3 in, 4 out"""
    )


def test_a_page_says_first_what_is_wrong() -> None:
    page = page_of(ILL, width=None)
    assert page[0].startswith("polyai-bridge 1.2.3  NOT READY")
    waits = "0 owed to threads, 2 for too long (the oldest 6 min 40 s); 1 held and 0 for a reason"
    assert f"  waits      {waits}" in page
    assert page[2:7] == [
        "What is wrong:",
        "  agent default",
        "    no answer within 5 s",
        "  dead letters",
        "    many died",
    ]


def test_a_page_fits_the_terminal_and_what_is_wrong_is_on_it_whole() -> None:
    """Also with twenty adapters, in 24 lines."""
    sentence = "Slack refuses the token it took before: " + "put a new one in, and restart. " * 3
    many = {
        **ILL,
        "troubles": [{"dependency": "adapter", "name": "slack", "sentence": sentence}],
        "adapters": {f"a{n}": {"state": "connected", "detail": ""} for n in range(20)},
    }
    page = page_of(many, width=80, height=23)
    assert len(page) == 23
    assert max(map(len, page)) <= 80
    assert sentence.split() == " ".join(page[4:7]).split()
    assert page[-1] == "(14 more lines: make this window higher)"
    for narrow in (1, 3, 30):
        assert max(map(len, page_of(many, width=narrow))) <= narrow


def test_a_bridge_that_does_not_run_is_said_to_with_what_to_do() -> None:
    assert page_of(NOBODY, width=None) == [
        "polyai-bridge  NOT RUNNING",
        "",
        "No bridge serves it",
        "  what to do: start it",
    ]


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (WELL, "ready"),
        (ILL, "not ready: agent default: no answer within 5 s; dead_letters: many died"),
        (NOBODY, "not running: No bridge serves it"),
        ({**NOBODY, "running": True}, "starting: No bridge serves it"),
    ],
)
def test_a_change_is_one_line(told: dict[str, Any], line: str) -> None:
    assert line_of(told) == line


def test_a_bridge_of_another_version_is_still_told_of() -> None:
    older = {name: value for name, value in ILL.items() if name not in {"agents", "uptime_seconds"}}
    assert page_of(older, width=None) == [
        "polyai-bridge 1.2.3  NOT READY",
        "",
        *page_of(ILL, width=None)[2:8],
        "It is of another version than this command, which does not understand all it tells.",
    ]
