"""An environment with the bridge in it, where a test installs packages as a stranger would."""

import asyncio
import os
import subprocess
import sys
import sysconfig
import venv
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import BinaryIO


class Environment:
    """Python in a directory of its own; what the tests themselves have is there too."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.python = directory / "bin" / "python"

    @classmethod
    def create(cls, directory: Path) -> "Environment":
        """A new one. It sees our packages, the bridge among them, and adds its own."""
        venv.create(directory, with_pip=False, symlinks=True)
        made = cls(directory)
        ours = sysconfig.get_path("purelib")
        # Not a plain path: where the bridge is found is told by a .pth file in that directory.
        (made.packages / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
        return made

    @property
    def packages(self) -> Path:
        """Where its own packages are."""
        return Path(sysconfig.get_path("purelib", vars={"base": str(self.directory)}))

    def install(self, project: Path) -> Path:
        """Build the wheel of a project and install it, without a network; the wheel."""
        wheel = build(project, self.directory / "wheels" / project.name)
        pip = ("pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile")
        _run("-m", *pip, "--target", str(self.packages), str(wheel))
        return wheel

    async def run(self, *arguments: str, directory: Path | None = None) -> tuple[int, str]:
        """Run its Python to the end: exit code, and what was printed."""
        process = await self.start(*arguments, directory=directory, output=PIPE)
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode()

    async def start(
        self, *arguments: str, directory: Path | None = None, output: int | BinaryIO
    ) -> Process:
        """Start its Python; what goes wrong is printed there too."""
        return await asyncio.create_subprocess_exec(
            str(self.python), *arguments, cwd=directory, stdout=output, stderr=output, env=_clean()
        )


def build(project: Path, directory: Path) -> Path:
    """Build the wheel of a project, with the tools that the tests themselves have."""
    _run("-m", "hatchling", "build", "-t", "wheel", "-d", str(directory), directory=project)
    (wheel,) = directory.glob("*.whl")
    return wheel


def _run(*arguments: str, directory: Path | None = None) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=directory, env=_clean(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def _clean() -> dict[str, str]:
    """Our environment without what would lead elsewhere."""
    ours = {"PYTHONPATH", "VIRTUAL_ENV"}
    given = {k: v for k, v in os.environ.items() if k not in ours}
    return {k: v for k, v in given.items() if not k.startswith(("POLYAI_BRIDGE_", "PYTEST_"))}
