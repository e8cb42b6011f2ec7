"""The units as they are shipped: sound by systemd's own judgement, and in step with the program."""

import re
import shutil
import subprocess
import sys
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from bridge import errors
from bridge.app import DRAIN
from bridge.config.sources import PREFIX, variable

UNITS = ("polyai-bridge.service", "polyai-bridge@.service")
#: The highest exposure that systemd may see in them, of 10.
_EXPOSED = 1.5

analyzed = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze (Debian: systemd)"
)


def text(name: str) -> str:
    return (files("bridge") / "deploy" / name).read_text("utf-8")


def said(unit: str, key: str) -> list[str]:
    """What a unit says under a key, a value each."""
    return re.findall(rf"^{key}=(.*)$", text(unit), flags=re.MULTILINE)


@pytest.fixture(params=UNITS)
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit whose command is there."""
    path = tmp_path / str(request.param)
    path.write_text(text(path.name).replace("/usr/local/bin/polyai-bridge", sys.executable))
    return path


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [shutil.which("systemd-analyze") or "", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@analyzed
def test_systemd_finds_nothing_to_say_about_them(installed: Path) -> None:
    done = analyze("verify", str(installed))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@analyzed
def test_systemd_would_find_a_key_that_does_not_exist(installed: Path) -> None:
    installed.write_text(installed.read_text().replace("RestartSec=", "RestartSeconds="))
    assert "RestartSeconds" in analyze("verify", str(installed)).stderr


@analyzed
def test_they_are_hardened(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = analyze("security", "--offline=true", "--no-pager", str(installed))
    exposure = re.search(r"Overall exposure level.*: (\d+\.\d+)", done.stdout)
    assert exposure is not None, done.stderr
    with capsys.disabled():
        sys.stdout.write(f"\n{installed.name}: exposure {exposure[1]} of 10\n")
    assert float(exposure[1]) <= _EXPOSED


def test_the_template_is_the_unit_with_a_name_in_its_places() -> None:
    one, several = (
        [line for line in text(unit).splitlines() if not line.startswith(("#", "Description="))]
        for unit in UNITS
    )
    named = {
        "/etc/polyai-bridge/%i/": "/etc/polyai-bridge/",
        "StateDirectory=polyai-bridge-%i": "StateDirectory=polyai-bridge",
        "%S/polyai-bridge-%i": "%S/polyai-bridge",
    }
    for its, ours in named.items():
        several = [line.replace(its, ours) for line in several]
    assert several == one


@pytest.mark.parametrize("unit", UNITS)
def test_what_a_restart_does_not_mend_is_not_restarted(unit: str) -> None:
    """1, 12 and 14 may be mended; 2 is a command line's, 243 a credential's (systemd.exec(5))."""
    codes = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.BridgeError)
    }
    (prevented,) = said(unit, "RestartPreventExitStatus")
    assert {int(code) for code in prevented.split()} == {2, 243} | codes - {1, 12, 14}


@pytest.mark.parametrize("unit", UNITS)
def test_there_is_time_to_drain(unit: str) -> None:
    (seconds,) = said(unit, "TimeoutStopSec")
    assert timedelta(seconds=int(seconds.removesuffix("s"))) >= DRAIN + timedelta(seconds=15)
    assert said(unit, "KillMode") == ["mixed"]


@pytest.mark.parametrize("unit", UNITS)
def test_each_credential_is_a_file_of_the_name_that_the_configuration_knows(unit: str) -> None:
    for credential in said(unit, "LoadCredential"):
        name, _, path = credential.partition(":")
        assert Path(path).name == name
        assert variable(tuple(name.split("__"))) == PREFIX + name.upper()
    names = [credential.partition(":")[0] for credential in said(unit, "LoadCredential")]
    assert names == [
        "agents__default__connector_token",
        "adapters__slack__bot_token",
        "adapters__slack__app_token",
    ]


def test_the_image_runs_as_nobody_and_tells_whether_it_is_well() -> None:
    lines = text("Containerfile").splitlines()
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    assert any("/live" in line for line in lines)
    images = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert set(images) == {"python:3.11-slim"}, "a name, and no registry's address"
    assert "--read-only" in text("Containerfile")
