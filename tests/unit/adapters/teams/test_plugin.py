"""What is there of the plug-in where its libraries are not?"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
#: Settings are read, then the adapter is proved, in a process that has not Microsoft's models.
WITHOUT = """
import asyncio, sys
sys.modules["microsoft_agents"] = None
from adapters.teams import PLUGIN
from bridge.errors import ConfigurationError
settings = PLUGIN.settings(app_id="a", tenant="t", app_password="p")
try:
    asyncio.run(PLUGIN.prove(settings, None))
except ConfigurationError as error:
    print(error)
"""


def test_without_its_extra_it_says_what_to_install() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ran.stdout == (
        'the libraries for Teams are not installed (pip install "polyai-bridge[teams]")\n'
    ), ran.stderr
