"""Does an author get one test for each rule, in three lines?"""

import subprocess
import sys
from pathlib import Path

import pytest

from bridge.testing.conformance import RULES

ROOT = Path(__file__).parents[2]
THREE_LINES = """
import pytest

STAND_IN = "polyai_bridge_pinboard.stand_in:stand_in"

@pytest.mark.conforms("pinboard", plugin="{plugin}", stand_in=STAND_IN)
def test_conformance(conformance_rule):
    conformance_rule.hold()
"""
GOOD = "polyai_bridge_pinboard:PLUGIN"
BROKEN = "tests.contract.broken_adapters:IS_TOO_SURE"


def pytest_over(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Another pytest, which knows nothing of ours."""
    (folder / "test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", "--strict-markers", "--rootdir", ".", "test_it.py"],
        cwd=folder,
        env={"PYTHONPATH": f"{ROOT}:{ROOT}/tests/sample_adapter/src", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.thorough
def test_there_is_one_test_for_each_rule(tmp_path: Path) -> None:
    listed = pytest_over(tmp_path, THREE_LINES.format(plugin=GOOD), "--collect-only", "-q")

    assert {f"test_it.py::test_conformance[{rule.id}]" for rule in RULES} <= set(
        listed.stdout.splitlines()
    )


@pytest.mark.thorough
@pytest.mark.parametrize(("plugin", "code"), [(GOOD, 0), (BROKEN, 1)])
def test_a_broken_rule_is_a_failed_test_that_says_why(
    tmp_path: Path, plugin: str, code: int
) -> None:
    run = pytest_over(tmp_path, THREE_LINES.format(plugin=plugin), "-k", "lost-answer")

    assert run.returncode == code
    assert ("expected: `deliver` raises MaybeDelivered" in run.stdout) == bool(code)


@pytest.mark.thorough
def test_a_test_without_the_mark_is_told_of_it(tmp_path: Path) -> None:
    run = pytest_over(tmp_path, "def test_it(conformance_rule): pass", "-k", "settings")

    assert "mark it as conforms(type_name)" in run.stdout


@pytest.mark.thorough
def test_whoever_does_not_use_it_imports_nothing_for_it() -> None:
    look = "import sys, bridge.testing.pytest_plugin; print('aiohttp' in sys.modules)"

    run = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert run.stdout == "False\n"
