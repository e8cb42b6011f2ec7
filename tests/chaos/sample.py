"""The sample plug-in as a stranger's package comes: a wheel, found by its entry point."""

import subprocess
import sys
import zipfile
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "sample_adapter"


def installed(place: Path) -> Path:
    """Build it and unpack it below `place`; what has that directory on its path has the plug-in."""
    built, site = place / "wheel", place / "site"
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)],
        cwd=SOURCE,
        check=True,
        capture_output=True,
    )
    (wheel,) = built.iterdir()
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    return site


def importable() -> None:
    """Let this process import it from its source, as pytest's do anyway."""
    if str(SOURCE / "src") not in sys.path:
        sys.path.append(str(SOURCE / "src"))
