"""The likely mistakes of `docs/setup-mistakes.md`: each is made, and found as the page says."""

import dataclasses
import re
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from bridge import config
from bridge.cli.advice import Finding, clock_finding, findings
from bridge.cli.surroundings import Surroundings, look
from bridge.errors import BridgeError
from bridge.runtime.adapters.configured import configured_adapters
from bridge.runtime.watching.disk import Space
from bridge.store import NEWEST
from bridge.testing.clock import NOON

PAGE = Path(__file__).parents[3] / "docs/setup-mistakes.md"
SOUND = """
[agents.default]
base_url = "https://messaging.us-1.poly.ai"
connector_token = "ct-8c1f2a77"
host = "https://www.example.com"
[adapters.slack]
type = "slack"
bot_token = "xoxb-8c1f2a77"
app_token = "xapp-8c1f2a77"
"""
HERE = Surroundings(
    database=Path("/var/lib/polyai-bridge/bridge.db"),
    directory=None,
    filesystem="ext4",
    space=Space(free=10**12, inodes=10**6),
    schema=NEWEST,
    running=False,
    listening=None,
    files=65536,
    secret_files=(),
    proxies=(),
    root=False,
)
OTHER = '[agents.other]\nbase_url = "https://messaging.us-1.poly.ai"\nconnector_token = "ct-99"\n'
OTHER += 'host = "https://www.example.com"\n'


def changed(old: str, new: str) -> str:
    assert old in SOUND
    return SOUND.replace(old, new)


def route(**keys: str) -> str:
    return "[[routes]]\n" + "".join(f'{name} = "{value}"\n' for name, value in keys.items())


TO_DEFAULT = route(adapter="slack", agent="default")
#: By the page's name of a mistake: the configuration, and what is seen around it.
MISTAKES: dict[str, tuple[str, dict[str, Any]]] = {
    "M-01": (SOUND + "[agents.default", {}),
    "M-02": (changed("host =", "hots ="), {}),
    "M-03": (changed('"ct-8c1f2a77"', '""'), {}),
    "M-04": (changed("[agents.default]", "[agents.main]"), {}),
    "M-05": (changed('"xoxb-8c1f2a77"', '"xapp-8c1f2a77"'), {}),
    "M-06": (changed("https://messaging", "http://messaging"), {}),
    "M-07": (changed("us-1.poly.ai", "us-1.poly.ai/api/v1"), {}),
    "M-08": (changed("messaging.us-1.poly.ai", "messaging.us-1.poly.example"), {}),
    "M-09": (changed("https://www.example.com", "www.example.com"), {}),
    "M-10": (changed('"ct-8c1f2a77"', "'\"ct-8c1f2a77\"'"), {}),
    "M-11": (changed('"ct-8c1f2a77"', '"your-token"'), {}),
    "M-12": (SOUND, {"secret_files": (Path("/s/AGENTS__DEFAULT__CONNECTOR_TOKEN"),)}),
    "M-13": (SOUND + route(adapter="slakc", agent="default"), {}),
    "M-14": (SOUND + TO_DEFAULT + route(adapter="slack", channel="C1", agent="default"), {}),
    "M-15": (SOUND + route(adapter="slack", channel="#help", agent="default"), {}),
    "M-16": (OTHER + SOUND, {}),
    "M-17": (SOUND + SOUND.partition("[adapters.slack]")[2].join(["[adapters.two]", ""]), {}),
    "M-18": (changed('"slack"\nbot', '"slcak"\nbot'), {}),
    "M-19": (SOUND, {"directory": "does not exist"}),
    "M-20": (SOUND, {"filesystem": "nfs4"}),
    "M-21": (SOUND + "[database]\nauto_migrate = false\n", {"schema": "0001"}),
    "M-22": (SOUND, {"space": Space(free=10**6, inodes=10**6)}),
    "M-23": (SOUND, {"running": True}),
    "M-24": (SOUND, {"listening": "Address already in use"}),
    "M-25": (SOUND, {"files": 1024}),
    "M-26": (SOUND, {"proxies": ("HTTPS_PROXY",)}),
    "M-27": (SOUND, {"root": True}),
    "M-28": (SOUND, {"schema": "9999"}),
}


def rows() -> dict[str, str]:
    """The lines of the page's table that begin with a mistake's name, and what they say."""
    found = re.findall(r"^\| (M-\d\d) \|.*$", PAGE.read_text("utf-8"), re.MULTILINE)
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| M-")]
    return dict(zip(found, lines, strict=True))


def said(toml: str, place: Path, **seen: Any) -> str:  # noqa: ANN401 - fields of `Surroundings`
    file = place / "bridge.toml"
    file.write_text(toml)
    try:
        settings = config.load(file, {})
        adapters = configured_adapters(settings)
    except BridgeError as error:
        return str(error)
    return "\n".join(map(str, findings(settings, adapters, dataclasses.replace(HERE, **seen))))


def test_what_is_sound_is_not_talked_about(tmp_path: Path) -> None:
    assert said(SOUND, tmp_path) == ""


def test_the_page_and_the_mistakes_here_are_the_same() -> None:
    assert [*rows()] == [*MISTAKES]
    assert len(MISTAKES) >= 20


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_found_as_the_page_says(name: str, tmp_path: Path) -> None:
    toml, seen = MISTAKES[name]
    told = said(toml, tmp_path, **seen)
    expected = rows()[name].split("|")[3].strip().strip("`")
    assert expected in told
    assert "ct-8c1f2a77" not in told


@pytest.mark.parametrize("name", ["M-19", "M-21", "M-24", "M-28"])
def test_what_keeps_the_bridge_from_starting_comes_first(name: str, tmp_path: Path) -> None:
    toml, seen = MISTAKES[name]
    assert said(toml, tmp_path, root=True, **seen).startswith("error: ")


@pytest.mark.parametrize("host", ["https://www.example.com", "https://demo.example:8443"])
def test_a_host_as_they_are_registered_is_no_mistake(host: str, tmp_path: Path) -> None:
    assert said(changed("https://www.example.com", host), tmp_path) == ""


def test_a_finding_is_one_line() -> None:
    line = str(Finding("here", "it is so", "do that"))
    assert line == "warning: here: it is so; what to do: do that"


def test_the_machine_is_looked_at_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    database = f'[database]\nurl = "sqlite+aiosqlite:///{tmp_path}/none.db"\n[http]\nport = 0\n'
    file.write_text(SOUND + database)
    before = sorted(tmp_path.iterdir())
    seen = look(config.load(file, {}), {"HTTPS_PROXY": "http://proxy.example", "PATH": "/bin"})
    assert sorted(tmp_path.iterdir()) == before
    assert (seen.database, seen.directory, seen.schema) == (tmp_path / "none.db", None, "")
    assert (seen.running, seen.listening) == (False, None)
    assert seen.proxies == ("HTTPS_PROXY",)
    assert seen.space is not None
    assert seen.space.free > 0


@pytest.mark.parametrize(("date", "late"), [(0, False), (59, False), (61, True), (-90, True)])
def test_a_clock_that_differs_from_polyais_is_told(date: int, late: bool) -> None:
    told = format_datetime(NOON + timedelta(seconds=date), usegmt=True)
    assert (clock_finding("default", told, NOON) is not None) == late


@pytest.mark.parametrize("date", ["", "yesterday", "-1"])
def test_a_date_that_makes_no_sense_says_nothing(date: str) -> None:
    assert clock_finding("default", date, NOON) is None
