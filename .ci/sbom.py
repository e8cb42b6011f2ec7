"""What is in it? The bill of materials (CycloneDX 1.6, JSON) of what `requirements.lock` ships.

    python .ci/sbom.py [FILE]

The same lock and version give the same bytes: no time unless SOURCE_DATE_EPOCH is set, no chance,
no address and no path of a machine. A package is named by its purl, and each of its files by the
SHA-256 that pip demands of it.
"""

import json
import os
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?:\s*;\s*(?P<marker>.*))?")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Package:
    """One line of the lock: a version, the files it may come as, and where it is needed at all."""

    name: str
    version: str
    hashes: tuple[str, ...]
    marker: str = ""

    @property
    def purl(self) -> str:
        """The package's name to every reader of such bills (package-url)."""
        return f"pkg:pypi/{self.name}@{self.version}"


def locked(text: str) -> Iterator[Package]:
    """The packages of a lock; raises ValueError for a line that names no version or no hash."""
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        requirement, hashes = line.partition(" --hash=")[0].strip(), tuple(_HASH.findall(line))
        found = _REQUIREMENT.fullmatch(requirement)
        if found is None or not hashes:
            raise ValueError(f"not a locked package with its hashes: {requirement}")
        yield Package(_canonical(found["name"]), found["version"], hashes, found["marker"] or "")


def bill(project: dict[str, Any], packages: list[Package], made_at: datetime | None) -> str:
    """The document, its last line ended."""
    root = f"pkg:pypi/{project['name']}@{project['version']}"
    direct = {_canonical(re.split(r"[^\w.-]", each)[0]) for each in project["dependencies"]}
    metadata: dict[str, Any] = {
        "component": {
            "bom-ref": root,
            "description": project["description"],
            "name": project["name"],
            "purl": root,
            "type": "application",
            "version": project["version"],
        }
    }
    if made_at is not None:
        metadata["timestamp"] = made_at.isoformat().replace("+00:00", "Z")
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": metadata,
        "components": [_component(each) for each in packages],
        "dependencies": [
            {"ref": root, "dependsOn": [each.purl for each in packages if each.name in direct]}
        ],
    }
    content = json.dumps(document, sort_keys=True)
    document["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_OID, content).urn
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _component(package: Package) -> dict[str, Any]:
    described: dict[str, Any] = {
        "bom-ref": package.purl,
        "externalReferences": [
            {
                "comment": "the files that may be installed, by their hashes",
                "hashes": [{"alg": "SHA-256", "content": each} for each in package.hashes],
                "type": "distribution",
                "url": package.purl,
            }
        ],
        "name": package.name,
        "purl": package.purl,
        "type": "library",
        "version": package.version,
    }
    if package.marker:
        described["properties"] = [{"name": "python:marker", "value": package.marker}]
    return described


def _canonical(name: str) -> str:
    """As packages are named in purls and compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    """Write the bill of this checkout to the file named, else to standard output."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    packages = sorted(locked((ROOT / "requirements.lock").read_text()), key=lambda each: each.purl)
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    document = bill(project, packages, datetime.fromtimestamp(int(epoch), UTC) if epoch else None)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(document)
    else:
        sys.stdout.write(document)


if __name__ == "__main__":
    main()
