"""What the service manager is sent, and what becomes of it if nobody is there."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.runtime.watching.notify import Manager


class Listener:
    """Who reads what a manager is sent."""

    def __init__(self, address: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(address)
        self.sock.setblocking(False)

    def heard(self) -> list[str]:
        return self.sock.recv(8192).decode().split("\n")


@pytest.fixture(params=["in a file", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Manager, Listener]]:
    path = str(tmp_path / "notify")
    abstract = request.param == "abstract"
    listener = Listener(f"\0{path}" if abstract else path)
    yield Manager.of({"NOTIFY_SOCKET": f"@{path}" if abstract else path}), listener
    listener.sock.close()


def test_each_message_is_one_datagram(manager: tuple[Manager, Listener]) -> None:
    ours, listener = manager
    ours.starting("opening the database", timedelta(minutes=10))
    assert listener.heard() == ["STATUS=opening the database", "EXTEND_TIMEOUT_USEC=600000000"]
    ours.ready()
    assert listener.heard() == ["READY=1"]
    ours.status("Ready: 3 owed", alive=True)
    assert listener.heard() == ["STATUS=Ready: 3 owed", "WATCHDOG=1"]
    ours.status("Not ready", alive=False)
    assert listener.heard() == ["STATUS=Not ready"]
    ours.stopping()
    assert listener.heard() == ["STOPPING=1"]


def test_a_status_is_one_line_of_bounded_length(manager: tuple[Manager, Listener]) -> None:
    ours, listener = manager
    ours.status("it fails:\nREADY=1\n" + "x" * 5000, alive=False)
    (told,) = listener.heard()
    assert told.startswith("STATUS=it fails: READY=1 xxx")
    assert len(told) < 500


def test_a_manager_that_reads_nothing_holds_up_nobody(manager: tuple[Manager, Listener]) -> None:
    ours, _ = manager
    for _ in range(2000):
        ours.status("x" * 300, alive=True)


@pytest.mark.parametrize("address", ["", "relative", "vsock:2:1234", "/nowhere/at/all", "@"])
def test_without_a_socket_nothing_is_sent_and_nothing_fails(address: str) -> None:
    Manager.of({"NOTIFY_SOCKET": address}).ready()


@pytest.mark.parametrize(
    ("environment", "watchdog"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, timedelta(seconds=30)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, timedelta(seconds=30)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_heeded_if_it_is_ours(
    environment: dict[str, str], watchdog: timedelta | None
) -> None:
    assert Manager.of(environment, pid=7).watchdog == watchdog
