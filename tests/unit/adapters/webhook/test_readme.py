"""Does the adapter's own page know its modules?"""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[4] / "adapters" / "webhook"


def test_each_module_stands_beside_its_question() -> None:
    told = re.findall(r"^\| `(\w+)` \|", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    assert {path.stem for path in FOLDER.glob("*.py")} - {"__init__"} == set(told) - {"reference"}
