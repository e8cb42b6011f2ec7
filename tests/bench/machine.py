"""What the figures were measured on, and with."""

import os
import platform
import sqlite3
import ssl
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_TOLD = (
    "websockets",
    "aiohttp",
    "uvloop",
    "slack-bolt",
    "slack-sdk",
    "SQLAlchemy",
    "aiosqlite",
    "msgspec",
)


def machine() -> Json:
    """Where the figures come from."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line for line in lines if line.startswith("model name")), "unknown: unknown")
    return {
        "processor": model.partition(":")[2].strip(),
        "cores": os.cpu_count(),
        "busy before, in processes": round(os.getloadavg()[0], 1),
        "system": platform.platform(terse=True),
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
        "openssl": ssl.OPENSSL_VERSION,
        **{name: version(name) for name in _TOLD},
    }
