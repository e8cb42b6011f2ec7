"""What if the extra is not installed?"""

import subprocess
import sys

BLOCKED = """
import sys
sys.modules["nio"] = None
from importlib.metadata import EntryPoint
from bridge.plugin import registry
entry = EntryPoint("matrix", "adapters.matrix:PLUGIN", registry.GROUP)
print(registry.discover([entry])["matrix"].problem)
"""


def test_a_missing_extra_is_named_where_the_plug_in_is_refused() -> None:
    told = subprocess.run(
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=True
    ).stdout

    assert "install polyai-bridge[matrix]" in told
