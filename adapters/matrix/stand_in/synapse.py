"""A real Synapse as a process of its own: SQLite, a socket in a file, no limits, no federation.

One for each of our processes, started at the first need and reused by all: it takes a second and
120 MB. It ends with us, also if we are killed: it watches its standard input.
"""

import asyncio
import atexit
import base64
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import aiohttp

from bridge.clock import RandomIds

#: Names the Python that has matrix-synapse. Without our prefix, which would make it a key of ours.
VARIABLE = "SYNAPSE_PYTHON"
SERVER_NAME = "bridge.test"
#: Where it seems to be: every address of its sessions leads to it.
URL = "http://synapse"
#: How long it may take to start, in seconds: machines are slow and shared.
_PATIENCE = 60.0
_GLANCE = aiohttp.ClientTimeout(total=5)
_RUN = """
import os, shutil, sys, threading
def watch():
    sys.stdin.buffer.read()
    shutil.rmtree(os.getcwd(), ignore_errors=True)
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
from synapse.app.homeserver import main
main()
"""


class NotStarted(Exception):
    """It is not there, or did not come up."""


def python() -> Path:
    """The Python that has Synapse, if there is one."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path(sys.prefix) / "synapse" / "bin" / "python"


class Synapse:
    """A running homeserver, reached by a `session` of its own."""

    def __init__(self) -> None:
        self._secret = RandomIds().new()
        self._directory = Path(tempfile.mkdtemp(prefix="synapse-"))
        self._socket = self._directory / "socket"  # no port: somebody else could take it first
        config = self._directory / "homeserver.yaml"
        config.write_text(json.dumps(self._config()))  # JSON is YAML
        with (self._directory / "log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the operator's own Python
                [python(), "-c", _RUN, "--config-path", config],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._directory,
            )
        atexit.register(self.end)

    def session(self) -> aiohttp.ClientSession:
        """A new session, whose every address leads here."""
        return aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self._socket)))

    async def ready(self, http: aiohttp.ClientSession) -> None:
        """Return once it answers; raises NotStarted."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while self._process.poll() is None:
            try:
                async with http.get(f"{URL}/health", timeout=_GLANCE) as response:
                    if response.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.05)
        raise NotStarted(f"Synapse did not start: {self.tail()}")

    async def register(self, http: aiohttp.ClientSession, name: str, shown: str) -> dict[str, Any]:
        """A new account: `user_id`, `device_id`, `access_token` and `password`."""
        address = f"{URL}/_synapse/admin/v1/register"
        async with http.get(address) as response:
            nonce = (await response.json())["nonce"]
        password = RandomIds().new()
        signed = "\0".join((nonce, name, password, "notadmin")).encode()
        mac = hmac.new(self._secret.encode(), signed, hashlib.sha1).hexdigest()
        told = {"nonce": nonce, "username": name, "password": password, "mac": mac}
        async with http.post(address, json=told | {"displayname": shown}) as response:
            account: dict[str, Any] = await response.json()
            return account | {"password": password}

    def tail(self) -> str:
        """The end of its log."""
        return (self._directory / "log").read_text(errors="replace")[-2000:]

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """End it and leave nothing behind."""
        self._process.kill()
        self._process.communicate()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _config(self) -> dict[str, Any]:
        plenty = {"per_second": 10_000, "burst_count": 10_000}
        places = {"local": plenty, "remote": plenty}
        seed = hashlib.sha256(self._secret.encode()).digest()
        key = self._directory / "signing.key"
        key.write_text(f"ed25519 a_test {base64.b64encode(seed).decode().rstrip('=')}\n")
        http = {
            "path": str(self._socket),
            "type": "http",
            "resources": [{"names": ["client"]}],
        }
        return {
            "server_name": SERVER_NAME,
            "listeners": [http],
            "database": {
                "name": "sqlite3",
                "args": {"database": str(self._directory / "homeserver.db")},
            },
            "signing_key_path": str(key),
            "media_store_path": str(self._directory / "media"),
            "registration_shared_secret": self._secret,
            "macaroon_secret_key": self._secret,
            "form_secret": self._secret,
            "report_stats": False,
            "trusted_key_servers": [],
            "federation_domain_whitelist": [],
            "presence": {"enabled": False},
            "bcrypt_rounds": 4,
            "rc_message": plenty,
            "rc_registration": plenty,
            "rc_login": {"address": plenty, "account": plenty, "failed_attempts": plenty},
            "rc_joins": places,
            "rc_joins_per_room": plenty,
            "rc_invites": {"per_room": plenty, "per_user": plenty, "per_issuer": plenty},
            "rc_room_creation": plenty,
        }


_running: list[Synapse] = []


def the_synapse() -> Synapse:
    """The Synapse of this process, started if it does not run yet; raises NotStarted."""
    if not python().exists():
        raise NotStarted(f"there is no Synapse in {python().parent.parent}")
    if not (_running and _running[-1].running):
        _running.append(Synapse())
    return _running[-1]
