"""A machine with a real systemd as its first process, made of this one; it is forgotten again.

Its root is an overlay in memory over ours. The mounts are made in a namespace of their own, so that
they end with it, whatever becomes of the test; and the machine switches itself off when its only
task ends, or takes too long.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.environment import Environment

ROOT = Path(__file__).parents[2]
#: Where our files are in there: a service sees nothing of anybody's home.
BRIDGE = "/opt/polyai-bridge"
_PYTHON, _PACKAGES, _CHECKOUT = "/opt/python", "/opt/packages", "/opt/checkout"

#: Makes the root in a directory of its own (`$1`) and boots it; the rest are nspawn's arguments.
_BOOT = """
set -e
m=$1; shift
mount -t tmpfs machine "$m"
mkdir "$m/up" "$m/wk" "$m/top"
mount -t overlay overlay -o "lowerdir=/,upperdir=$m/up,workdir=$m/wk" "$m/top"
mkdir -p "$m/top/etc/systemd/system" "$m/top/opt"
cp "$m.units"/* "$m/top/etc/systemd/system/"
exec systemd-nspawn --quiet --directory="$m/top" --register=no --keep-unit --private-network \
  --link-journal=no --console=pipe --boot "$@" -- --unit=probe.service
"""
_PROBE = """
[Unit]
SuccessAction=exit-force
FailureAction=exit-force

[Service]
Type=oneshot
TimeoutStartSec={limit}
Environment=PYTHONPATH={checkout} LANG=C.UTF-8
ExecStartPre=/bin/sh -c 'echo {python}/lib > /etc/ld.so.conf.d/python.conf && ldconfig'
ExecStart={bridge}/bin/python -m {module}
StandardOutput=file:/result/output
StandardError=inherit
"""


def unavailable() -> str:
    """Why there can be no such machine here; empty if there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux"
    missing = [tool for tool in ("systemd-nspawn", "unshare") if shutil.which(tool) is None]
    if missing:
        return f"needs {' and '.join(missing)} (Debian: systemd-container)"
    return "" if _overlays() else "an overlay of / cannot be mounted here"


def _overlays() -> bool:
    tried = """m=$(mktemp -d) && mount -t tmpfs t $m && mkdir $m/up $m/wk $m/top \
        && mount -t overlay o -o lowerdir=/,upperdir=$m/up,workdir=$m/wk $m/top"""
    return subprocess.run(_apart(tried), capture_output=True, check=False).returncode == 0


def _apart(script: str, *arguments: str) -> list[str]:
    return ["unshare", "--mount", "--propagation=private", "sh", "-c", script, "sh", *arguments]


def boot(directory: Path, module: str, *, limit: int) -> str:
    """Run `module` in such a machine, at most `limit` seconds; what its console showed.

    It finds the bridge installed in `BRIDGE`, as from its wheel, and what it leaves in /result is
    left in `directory`/result.
    """
    machine, result, units = (directory / name for name in ("m", "result", "m.units"))
    for each in (machine, result, units):
        each.mkdir()
    probe = _PROBE.format(
        limit=limit, checkout=_CHECKOUT, python=_PYTHON, bridge=BRIDGE, module=module
    )
    (units / "probe.service").write_text(probe)
    binds = {
        _installed(directory / "env"): BRIDGE,
        Path(sys.base_prefix): _PYTHON,
        Path(sysconfig.get_path("purelib")): _PACKAGES,
        ROOT: _CHECKOUT,
    }
    lent = [f"--bind-ro={ours}:{theirs}" for ours, theirs in binds.items()]
    command = _apart(_BOOT, str(machine), *lent, f"--bind={result}:/result")
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=limit + 15,
    )  # fmt: skip
    return done.stdout + done.stderr


def _installed(directory: Path) -> Path:
    """The bridge in an environment that is at home in there."""
    environment = Environment.create(directory)
    environment.install(ROOT)
    python = f"{_PYTHON}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for link in (directory / "bin").glob("python*"):
        link.unlink()
    environment.python.symlink_to(python)
    (directory / "pyvenv.cfg").write_text(f"home = {_PYTHON}/bin\n")
    (environment.packages / "ours.pth").write_text(f"{_PACKAGES}\n")
    script = directory / "bin" / "polyai-bridge"
    script.write_text(f"#!{BRIDGE}/bin/python\nfrom bridge.cli import main\n\nmain()\n")
    script.chmod(0o755)
    return directory
