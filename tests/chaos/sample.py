"""The sample plug-in as a stranger's package comes: a wheel, found by its entry point."""

import shutil
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


def with_broken(site: Path) -> None:
    """Lay the faulty ones beside it, each announced under its own type."""
    importable()
    from tests.chaos import broken_pinboards

    module = Path(broken_pinboards.__file__)
    shutil.copy(module, site)
    announced = site / f"{module.stem}-0.dist-info"
    announced.mkdir()
    (announced / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.stem}\nVersion: 0\n")
    entries = "".join(f"{name} = {module.stem}:{name}\n" for name in broken_pinboards.BROKEN)
    (announced / "entry_points.txt").write_text(f"[polyai_bridge.adapters]\n{entries}")
