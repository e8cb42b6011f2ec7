"""What goes wrong at Slack? One row for each verb of the simulated one that a soak draws.

None of them costs anything but a channel that is archived: whatever is in its threads is over.
"""

import random
from collections.abc import Callable
from datetime import timedelta

from bridge.simulators.slack import SlackSimulator

Mishap = Callable[[SlackSimulator, random.Random, str], object]

#: Calls that may be refused, lost or late at any time.
_WRITING = (
    "chat.postMessage",
    "chat.update",
    "assistant.threads.setStatus",
)
_READING = ("conversations.replies", "conversations.history", "users.info")


def _call(chance: random.Random) -> str:
    return chance.choice(_WRITING + _READING)


#: Each is given the simulator, a die, and a channel that may be closed.
MISHAPS: dict[str, Mishap] = {
    # calls
    "rate_limit": lambda s, c, _: s.rate_limit(
        _call(c), c.randint(1, 3), timedelta(seconds=c.choice([1, 5, 30]))
    ),
    "lose_response": lambda s, c, _: s.lose_response(_call(c)),
    "lose_request": lambda s, c, _: s.lose_request(_call(c), c.randint(1, 3)),
    "http_error": lambda s, c, _: s.http_error(
        _call(c), c.choice([500, 502, 503]), after_doing=c.random() < 0.5
    ),
    "slow": lambda s, c, _: s.slow(_call(c), timedelta(seconds=c.choice([1, 8, 40]))),
    # sockets
    "disconnect": lambda s, c, _: s.disconnect(c.choice(["refresh_requested", "warning"])),
    "drop_sockets": lambda s, _c, _: s.drop_sockets(),
    "deafen_sockets": lambda s, _c, _: s.deafen_sockets(1),
    "silence_sockets": lambda s, _c, _: s.silence_sockets(1),
    "refuse_connections": lambda s, c, _: s.refuse_connections("internal_error", c.randint(1, 3)),
    "refuse_handshakes": lambda s, c, _: s.refuse_handshakes(c.randint(1, 3)),
    "deliver_garbage": lambda s, c, _: s.deliver_garbage(c.choice(["{not json", "[]", "null"])),
    # events
    "duplicate_next": lambda s, c, _: s.duplicate_next(c.randint(1, 3)),
    "reorder_next": lambda s, _c, _: s.reorder_next(),
    "go_deaf": lambda s, _c, _: s.go_deaf(1),
    # places
    "archive": lambda s, _c, channel: s.archive(channel),
}
