"""What the audit says: never that something was audited if nobody could be asked."""

import importlib.util
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TODAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    path = Path(__file__).resolve().parents[3] / ".ci" / "audit.py"
    spec = importlib.util.spec_from_file_location("audit", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def known(audit: ModuleType, *, until: str = "2027-01-01") -> list[Any]:
    text = f"""
    [[accepted]]
    id = "CVE-2026-1"
    package = "aiohttp"
    reason = "not reached"
    until = {until}
    """
    found: list[Any] = audit.accepted(text)
    return found


def report(*vulnerabilities: str, skipped: bool = False) -> dict[str, Any]:
    vulns = [{"id": each, "aliases": [], "fix_versions": ["9.9"]} for each in vulnerabilities]
    further: dict[str, Any] = {"skip_reason": "not found"} if skipped else {"vulns": []}
    other = {"name": "yarl", "version": "1", **further}
    return {"dependencies": [{"name": "aiohttp", "version": "3.1", "vulns": vulns}, other]}


def test_nothing_known_is_told_with_how_much_was_audited(audit: ModuleType) -> None:
    verdict = audit.judged("a.lock", report(), [], TODAY)
    assert verdict.lines == ("a.lock: 2 of 2 packages audited",)
    assert not verdict.vulnerable
    assert not verdict.unaudited


@pytest.mark.parametrize(
    "silence", [None, {"dependencies": [{"name": "x", "version": "1", "skip_reason": "?"}]}]
)
def test_where_nobody_answers_no_audit_is_claimed(
    audit: ModuleType, silence: dict[str, Any] | None
) -> None:
    verdict = audit.judged("a.lock", silence, [], TODAY)
    assert verdict.unaudited
    assert all("NOT AUDITED" in line for line in verdict.lines)
    assert verdict.lines


def test_a_package_that_the_service_does_not_know_is_named(audit: ModuleType) -> None:
    verdict = audit.judged("a.lock", report(skipped=True), [], TODAY)
    assert verdict.unaudited
    assert "a.lock: NOT AUDITED, unknown to the service: yarl" in verdict.lines
    assert "a.lock: 1 of 2 packages audited" in verdict.lines


def test_what_is_known_stops_us(audit: ModuleType) -> None:
    verdict = audit.judged("a.lock", report("CVE-2026-7"), known(audit), TODAY)
    assert verdict.vulnerable
    assert "CVE-2026-7 in aiohttp 3.1: VULNERABLE; mended in 9.9" in verdict.lines[0]


def test_what_is_accepted_passes_until_its_day_and_then_no_more(audit: ModuleType) -> None:
    found = report("CVE-2026-1")
    assert not audit.judged("a.lock", found, known(audit), TODAY).vulnerable
    assert audit.judged("a.lock", found, known(audit, until="2026-11-20"), TODAY).vulnerable


def test_accepted_of_one_package_is_not_accepted_of_another(audit: ModuleType) -> None:
    found = report("CVE-2026-1")
    found["dependencies"][0]["name"] = "yarl"
    assert audit.judged("a.lock", found, known(audit), TODAY).vulnerable


@pytest.mark.parametrize(
    "entry",
    [
        'id = "A"\npackage = "b"\nreason = " "\nuntil = 2027-01-01',
        'id = "A"\npackage = "b"\nuntil = 2027-01-01',
        'id = "A"\npackage = "b"\nreason = "c"\nuntil = "some day"',
    ],
)
def test_whatever_is_accepted_has_a_reason_and_a_day(audit: ModuleType, entry: str) -> None:
    with pytest.raises((ValueError, TypeError), match=r"reason|until"):
        audit.accepted(f"[[accepted]]\n{entry}")


def test_the_list_that_we_keep_can_be_read(audit: ModuleType) -> None:
    assert isinstance(audit.accepted(audit.ACCEPTED.read_text()), list)
