"""What an open conversation costs: memory, CPU, the collector, and to have all of them back."""

from pathlib import Path
from typing import Any

from tests.bench.stand import OURS, Certificate, Stand, standing_up

Json = dict[str, Any]

#: Open when the memory of the rest begins to count: what the first ones need is no session's.
_FIRST = 10
#: A socket that a restart brings back may take so long, in seconds, before the run is broken.
_SLOWEST = 0.05


def held(
    directory: Path,
    certificate: Certificate | None,
    subject: str,
    *,
    sessions: int,
    idle_seconds: float,
    seconds: float,
) -> Json:
    """So many open conversations: idle, and with ten messages in flight, by turns in all of them.

    While they are idle every session has one heartbeat, if `idle_seconds` is an agent's interval;
    with 0 that is left out.
    """
    with standing_up(directory, subject, certificate) as stand:
        stand.open(_FIRST)
        stand.collect()
        before = stand.private_bytes()
        opened = stand.open(sessions)
        pause = stand.collect()
        after = stand.private_bytes()
        found = {
            "kb_per_session": (after - before) / (sessions - _FIRST) / 1024,
            "opened_s": opened,
            "full_gc_ms": pause,
        }
        if idle_seconds:
            found["idle_cpu_percent"] = stand.idle_cpu(idle_seconds) * 100
            found["sockets_lost"] = stand.connects() - sessions
        busy = stand.closed(sessions, warm=1.0, seconds=seconds, in_flight=_FIRST)
        found |= {name: busy[name] for name in ("per_s", "p50_ms", "p99_ms", "peers_busy")}
        found["cpu_us_per_message"] = busy["cpu_us"]
        return found | (_restarted(stand, sessions) if subject == OURS else {})


def _restarted(stand: Stand, sessions: int) -> Json:
    """After a kill: the bare connections alone, and then the bridge."""
    bare = stand.connected_barely(sessions)
    again = stand.restart(sessions, patience=30.0 + sessions * _SLOWEST)
    return {
        "restart_s": again["seconds"],
        "restart_half_s": again["half_s"],
        "restart_cpu_us": again["cpu_s"] / sessions * 1e6,
        "bare_connect_s": bare["seconds"],
        "bare_connect_cpu_us": bare["cpu_s"] / sessions * 1e6,
    }
