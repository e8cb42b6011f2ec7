"""What is there of the plug-in where its libraries are not?"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
LIBRARIES = {"microsoft_agents.activity", "jwt"}
#: The plug-in is looked at in a process that has not one of its libraries.
WITHOUT = """
import sys
from importlib.machinery import PathFinder
find, missing = PathFinder.find_spec, sys.argv[1]
PathFinder.find_spec = lambda name, *a: None if name.startswith(missing) else find(name, *a)
from importlib.metadata import EntryPoint
from bridge.plugin import registry
entry = EntryPoint("teams", "adapters.teams:PLUGIN", registry.GROUP)
print(registry.discover([entry])["teams"].problem)
"""


@pytest.mark.thorough
@pytest.mark.parametrize("missing", ["microsoft_agents", "jwt"])
def test_without_its_extra_it_says_what_to_install(missing: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT, missing],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "install polyai-bridge[teams]" in ran.stdout, ran.stderr


@pytest.mark.thorough
def test_with_it_there_is_no_problem_and_nothing_of_it_is_imported_yet() -> None:
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{WITHOUT}\nprint({LIBRARIES} & set(sys.modules) or [])",
            "nothing",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stdout.split() == ["None", "[]"], ran.stderr
