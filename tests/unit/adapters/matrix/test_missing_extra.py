"""What if the extra is not installed?"""

import subprocess
import sys

import pytest

BLOCKED = """
import sys
sys.modules[sys.argv[1]] = None
from importlib.metadata import EntryPoint
from bridge.plugin import registry
entry = EntryPoint("matrix", "adapters.matrix:PLUGIN", registry.GROUP)
print(registry.discover([entry])["matrix"].problem)
"""


def _problem(missing: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", BLOCKED, missing], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.thorough
def test_a_missing_extra_is_named_where_the_plug_in_is_refused() -> None:
    assert "install polyai-bridge[matrix]" in _problem("nio")


@pytest.mark.thorough
def test_without_what_encrypts_the_plug_in_is_as_good_as_ever() -> None:
    assert _problem("vodozemac") in ("", "None")
