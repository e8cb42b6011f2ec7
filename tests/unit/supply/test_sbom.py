"""The bill of materials: whole, valid, the same each time, and silent about where it was made."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parents[3]


def made(**environment: str) -> str:
    """What the script prints, wherever it is called from."""
    given = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "sbom.py")], cwd="/", env=given | environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.fixture(scope="module")
def text() -> str:
    return made()


@pytest.fixture
def bill(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    return document


def lock_lines() -> list[str]:
    return (ROOT / "requirements.lock").read_text().replace("\\\n", " ").splitlines()


@pytest.mark.thorough
def test_it_is_what_cyclonedx_says_such_a_bill_is(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_every_package_of_the_lock_is_in_it_with_its_version_and_each_hash(
    bill: dict[str, Any],
) -> None:
    told = {
        f"{each['name']}=={each['version']}": sorted(
            one["content"] for one in each["externalReferences"][0]["hashes"]
        )
        for each in bill["components"]
    }
    locked = {
        line.split()[0]: sorted(w.partition("sha256:")[2] for w in line.split() if "sha256:" in w)
        for line in lock_lines()
        if "==" in line
    }
    assert len(locked) > 20
    assert told == locked


def test_our_own_package_is_the_root_and_names_what_it_asks_for(bill: dict[str, Any]) -> None:
    root = bill["metadata"]["component"]
    (needs,) = bill["dependencies"]
    assert root["name"] == "polyai-bridge"
    assert needs["ref"] == root["bom-ref"]
    assert {"pkg:pypi/aiohttp", "pkg:pypi/sqlalchemy"} <= {
        each.partition("@")[0] for each in needs["dependsOn"]
    }
    assert set(needs["dependsOn"]) < {each["bom-ref"] for each in bill["components"]}


def test_it_is_the_same_each_time_and_has_an_instant_only_if_it_is_given_one(text: str) -> None:
    dated = made(SOURCE_DATE_EPOCH="1700000000")

    assert "timestamp" not in text
    assert dated == made(SOURCE_DATE_EPOCH="1700000000") != text
    assert json.loads(dated)["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"


def test_it_names_no_address_and_no_path_of_a_machine(text: str) -> None:
    assert "://" not in text
    assert str(ROOT) not in text
    assert str(Path.home()) not in text
