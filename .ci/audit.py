"""Is anything that we ship or build with known to be vulnerable? pip-audit, and what is made of it.

    python .ci/audit.py

Exit code 0: nothing known, or nobody could be asked, which is said in so many words: then nothing
was audited. 1: something is known that `.ci/accepted-vulnerabilities.toml` does not accept until a
later day. 2, with AUDIT=required in the environment, as for a release: something was not audited.
"""

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ACCEPTED = ROOT / ".ci" / "accepted-vulnerabilities.toml"
#: What is shipped; and what is built and tested with, every extra included.
LOCKS = ("requirements.lock", "requirements-dev.lock")

#: Seconds for one lock: the service is asked about each package.
_PATIENCE = 300


@dataclass(frozen=True, slots=True)
class Accepted:
    """A vulnerability that somebody looked at: why it does not matter here, and until when."""

    id: str
    package: str
    reason: str
    until: date


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said, line by line, and whether it is bad."""

    lines: tuple[str, ...]
    vulnerable: bool = False
    unaudited: bool = False


def accepted(text: str) -> list[Accepted]:
    """The list; raises ValueError for an entry without a reason, TypeError for no day."""
    entries = tomllib.loads(text).get("accepted", [])
    for entry in entries:
        if set(entry) != {"id", "package", "reason", "until"} or not entry["reason"].strip():
            raise ValueError("each entry has an id, a package, a reason and a day (until)")
        if not isinstance(entry["until"], date):
            raise TypeError(f"{entry['id']}: until is a day, such as 2027-03-01")
    return [Accepted(**entry) for entry in entries]


def judged(lock: str, report: dict[str, Any] | None, known: list[Accepted], today: date) -> Verdict:
    """What pip-audit's report about one lock comes to; None if there is no report."""
    if report is None:
        told = f"{lock}: NOT AUDITED: the vulnerability service did not answer"
        return Verdict((told,), unaudited=True)
    packages = report["dependencies"]
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    lines = [f"{lock}: NOT AUDITED, unknown to the service: {name}" for name in skipped]
    if packages and len(skipped) == len(packages):
        lines = [f"{lock}: NOT AUDITED: the service knows none of the {len(packages)} packages"]
    bad = []
    for package in packages:
        for vulnerability in package.get("vulns", []):
            line, is_bad = _told(package, vulnerability, known, today)
            lines.append(f"{lock}: {line}")
            bad.append(is_bad)
    audited = len(packages) - len(skipped)
    if audited:
        lines.append(f"{lock}: {audited} of {len(packages)} packages audited")
    return Verdict(tuple(lines), vulnerable=any(bad), unaudited=bool(skipped) or not packages)


def _told(
    package: dict[str, Any], found: dict[str, Any], known: list[Accepted], today: date
) -> tuple[str, bool]:
    """One vulnerability in words, and whether it is one that stops us."""
    names = {found["id"], *found.get("aliases", [])}
    what = f"{found['id']} in {package['name']} {package['version']}"
    for each in known:
        if each.id in names and each.package == package["name"]:
            if today <= each.until:
                return f"{what}: accepted until {each.until}: {each.reason}", False
            return f"{what}: was accepted until {each.until}; look again", True
    mended = ", ".join(found.get("fix_versions", [])) or "no version yet"
    return f"{what}: VULNERABLE; mended in {mended}", True


def asked(lock: str) -> dict[str, Any] | None:
    """pip-audit's report about one lock; None if it could make none."""
    command = [sys.executable, "-m", "pip_audit", "-r", lock, "--disable-pip", "--require-hashes"]
    command += ["--format", "json", "--progress-spinner", "off", "--desc", "off"]
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            command, cwd=ROOT, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
        report = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return report if isinstance(report, dict) and "dependencies" in report else None


def main() -> None:
    """Audit each lock and say what came of it."""
    today, known = datetime.now(UTC).date(), accepted(ACCEPTED.read_text())
    verdicts = [judged(lock, asked(lock), known, today) for lock in LOCKS]
    for verdict in verdicts:
        sys.stdout.writelines(f"{line}\n" for line in verdict.lines)
    if any(each.vulnerable for each in verdicts):
        sys.exit(1)
    if any(each.unaudited for each in verdicts) and os.environ.get("AUDIT") == "required":
        sys.exit(2)


if __name__ == "__main__":
    main()
