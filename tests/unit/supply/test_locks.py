"""What is installed is what the locks say, byte for byte, wherever it is fetched from."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))


@pytest.mark.threat("T-80")
@pytest.mark.parametrize("name", LOCKS)
def test_each_package_has_one_version_and_its_hashes_and_no_address(name: str) -> None:
    lines = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
    loose = [
        line.split(" --hash")[0]
        for line in lines
        if line.strip() and not re.match(r"[\w.-]+==[^\s;]+.* --hash=sha256:[0-9a-f]{64}", line)
    ]
    assert len(lines) > 20
    assert loose == []
    assert not [line for line in lines if "://" in line or "@" in line]


@pytest.mark.threat("T-80")
def test_nothing_is_installed_from_them_without_its_hash() -> None:
    recipe = (ROOT / "Makefile").read_text()
    installs = re.findall(r"pip install .*-r (\S+)", recipe)
    assert set(installs) == {"requirements-dev.lock", "requirements-synapse.lock"}
    assert recipe.count("--require-hashes -r") == len(installs)
