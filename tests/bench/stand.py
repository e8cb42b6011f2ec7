"""The processes of one run: the peers, and one of those that are measured against them."""

import contextlib
import datetime
import ipaddress
import json
import os
import re
import resource
import select
import signal
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.bench.traffic import Broken, cpu_seconds

Json = dict[str, Any]

#: Those that are measured. The module of each has its name, but a forgetful one is ours.
OURS, SCRIPT, FLOOR = "ours", "script", "floor"
#: The script with a transaction for each operation, and ours that waits for no disk.
CAREFUL, FORGETFUL = "careful", "forgetful"
SUBJECTS = (OURS, SCRIPT, FLOOR)
#: A start takes seconds on a busy machine; a run of the bench is no place to be strict.
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-made one, and what trusts it beside the machine's own authorities."""

    own: Path
    key: Path
    trusted: Path


@dataclass(slots=True)
class Process:
    """One child that answers by lines."""

    popen: subprocess.Popen[str]
    log: Path
    answers: list[Json] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """Its number."""
        return self.popen.pid

    def ask(self, **order: Any) -> Json:  # noqa: ANN401 - a line of JSON
        """Give an order, and wait for what came of it. Raises Broken."""
        assert self.popen.stdin is not None
        self.popen.stdin.write(json.dumps(order) + "\n")
        self.popen.stdin.flush()
        answer: Json = json.loads(self.line())
        if "broken" in answer:
            raise Broken(f"{order}: {answer['broken']}")
        return answer

    def line(self, patience: float | None = None) -> str:
        """The next line it says. Raises Broken."""
        assert self.popen.stdout is not None
        if patience is not None and not select.select([self.popen.stdout], [], [], patience)[0]:
            raise Broken("no answer")
        line = self.popen.stdout.readline()
        if not line:
            raise Broken(f"it is dead; its log ends:\n{self.log.read_text()[-2000:]}")
        return line

    def end(self) -> None:
        """Let it go, at once."""
        self.popen.kill()
        self.popen.wait()


class Stand:
    """Fresh peers, and one process between them."""

    def __init__(self, directory: Path, subject: str, certificate: Certificate | None) -> None:
        self.directory = directory
        self.subject = subject
        self._environment = _environment(certificate)
        told = [str(certificate.own), str(certificate.key)] if certificate else []
        self.peers = self._process("peers", *told)
        self.places: Json = json.loads(self.peers.line())
        self.process = self._begun()

    @property
    def database(self) -> Path:
        """Where ours keeps what it must not forget."""
        return self.directory / "bridge.db"

    def open(self, threads: int) -> float:
        """Have so many open threads; the seconds that took."""
        seconds: float = self.peers.ask(do="open", threads=threads, at_once=200)["seconds"]
        return seconds

    def closed(self, threads: int, warm: float, seconds: float, in_flight: int = 0) -> Json:
        """As fast as it goes with so many messages in flight; without a number, one in each."""
        return self.peers.ask(
            do="closed",
            threads=threads,
            warm=warm,
            seconds=seconds,
            in_flight=in_flight,
            pid=self.process.pid,
        )

    def steady(self, threads: int, rate: float, warm: float, seconds: float) -> Json:
        """So many messages a second."""
        return self.peers.ask(
            do="steady",
            threads=threads,
            rate=rate,
            warm=warm,
            seconds=seconds,
            pid=self.process.pid,
        )

    def connected_barely(self, sessions: int) -> Json:
        """Kill it, and connect to its sessions with the library alone: the seconds that takes."""
        self._killed()
        bare = self._process("connecting", self.places["agent"], str(sessions))
        try:
            found: Json = json.loads(bare.line())
            return found
        finally:
            bare.end()

    def restart(self, sockets: int, patience: float) -> Json:
        """Kill it, and start it again: the times until half and all sockets are back."""
        self._killed()
        self.process = self._measured()
        found = self.peers.ask(do="sockets", at_least=sockets, patience=patience)
        if not found["reached"]:
            raise Broken(f"only {found['there']} of {sockets} sockets came back")
        return {**found, "cpu_s": cpu_seconds(self.process.pid)}

    def _killed(self) -> None:
        self.process.end()
        self.peers.ask(do="sockets", at_most=0, patience=_PATIENCE)

    def collect(self) -> float:
        """Have it collect all its garbage; how long that stopped it, in milliseconds."""
        os.kill(self.process.pid, signal.SIGUSR1)
        while not (line := self.process.line(_PATIENCE))[0].isdigit():
            pass  # Bolt greets whoever looks at its output
        return float(line)

    def private_bytes(self) -> int:
        """The memory that is its alone (USS)."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return 1024 * sum(int(kb) for kb in re.findall(r"Private_\w+: +(\d+) kB", rollup))

    def stored_bytes(self) -> int:
        """What the database has grown to, what is still in its log included."""
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            pages, size = (
                database.execute(f"PRAGMA {what}").fetchone()[0]
                for what in ("page_count", "page_size")
            )
        return int(pages) * int(size)

    def profile(self, threads: int, warm: float, seconds: float) -> Json:
        """As `closed`, and what each area of it uses: microseconds of a core for each message."""
        os.kill(self.process.pid, signal.SIGUSR2)
        found = self.closed(threads, warm, seconds)
        os.kill(self.process.pid, signal.SIGUSR2)
        areas: dict[str, float] = json.loads(self.process.line(_PATIENCE))
        return {**found, "areas": {k: v / found["answered"] * 1e6 for k, v in areas.items()}}

    def connects(self) -> int:
        """How many sockets were opened to the agent so far."""
        return int(self.peers.ask(do="connects")["connects"])

    def idle_cpu(self, seconds: float) -> float:
        """The share of a core that it takes while nobody says anything."""
        before = cpu_seconds(self.process.pid)
        time.sleep(seconds)
        return (cpu_seconds(self.process.pid) - before) / seconds

    def end(self) -> None:
        """End everybody."""
        self.process.end()
        self.peers.end()

    def _begun(self) -> Process:
        process = self._measured()
        wanted, until = 2 if self._bridge else 1, time.monotonic() + _PATIENCE
        while not self.peers.ask(do="links", at_least=wanted, patience=1.0)["reached"]:
            if process.popen.poll() is not None or time.monotonic() > until:
                self.peers.end()
                process.end()
                raise Broken(
                    f"{self.subject} never came:\n{process.log.read_text()[-2000:]}"
                    f"\n{self.peers.log.read_text()[-2000:]}"
                )
        return process

    @property
    def _bridge(self) -> bool:
        return self.subject in (OURS, FORGETFUL)

    def _measured(self) -> Process:
        if self._bridge:
            return self._process(OURS, str(self._configured()), self.subject)
        places = [self.places["slack"], self.places["agent"]]
        kept = [str(self.directory / "careful.db")] if self.subject == CAREFUL else []
        return self._process(self.subject, *places, *kept)

    def _configured(self) -> Path:
        config = self.directory / "bridge.toml"
        config.write_text(CONFIG.format(database=self.database, **self.places))
        return config

    def _process(self, module: str, *arguments: str) -> Process:
        log = self.directory / f"{module}.log"
        with log.open("ab") as stderr:
            popen = subprocess.Popen(
                [sys.executable, "-m", f"tests.bench.{module}", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env=self._environment,
            )
        return Process(popen, log)


@contextlib.contextmanager
def standing_up(directory: Path, subject: str, certificate: Certificate | None) -> Iterator[Stand]:
    """A stand for as long as the block lasts, in a directory of its own."""
    directory.mkdir(parents=True)
    stand = Stand(directory, subject, certificate)
    try:
        yield stand
    finally:
        stand.end()


#: People may write as fast as they like here; everything else is as it is in service.
CONFIG = """
[database]
url = "sqlite+aiosqlite:///{database}"
[http]
port = 0
[intake]
person_rate = "off"
[agents.default]
base_url = "{agent}"
connector_token = "simulated-connector-token"
host = "https://demo.example"
[adapters.slack]
type = "slack"
bot_token = "xoxb-simulated"
app_token = "xapp-simulated"
api_url = "{slack}"
"""


def _environment(certificate: Certificate | None) -> dict[str, str]:
    """Ours, without proxies and settings; every client trusts by the usual way of OpenSSL."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("POLYAI_BRIDGE_") and not name.lower().endswith("_proxy")
    }
    return kept | ({"SSL_CERT_FILE": str(certificate.trusted)} if certificate else {})


def certificate_in(directory: Path) -> Certificate:
    """A new certificate for 127.0.0.1, for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests.bench")])
    now = datetime.datetime.now(datetime.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    found = Certificate(*(directory / name for name in ("own.pem", "key.pem", "trusted.pem")))
    found.own.write_bytes(pem)
    found.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    # Beside the machine's own: what building a context costs depends on their number.
    usual = ssl.get_default_verify_paths().cafile
    found.trusted.write_bytes((Path(usual).read_bytes() if usual else b"") + b"\n" + pem)
    return found


def many_files() -> int:
    """Let this process and its children open as many files as the system allows; how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
