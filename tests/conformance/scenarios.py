"""The numbered scenarios that a client of PolyAI's Messaging protocol has to pass.

The numbers are those of our own list of conformance, and have gaps: some were merged into others,
some never given. Each has at least one test in this package, whose name begins with `test_` and the
number in three digits.
"""

import re
from pathlib import Path

#: The letter of each group, by the first number in it.
GROUPS = {
    1: "A. Handshake and credentials",
    18: "B. Connecting and replay",
    30: "C. The agent joins",
    37: "D. One exchange",
    43: "E. Delivery receipts",
    55: "F. Streaming",
    67: "G. Duplicates and order",
    72: "H. Heartbeats and liveness",
    78: "I. Reconnecting and close codes",
    86: "J. Expiry and end",
    88: "K. Handoff",
    93: "L. Errors",
    94: "M. Malformed frames",
    96: "N. Sizes",
    98: "O. Suggestions, attachments, text",
    100: "P. Stress",
}

SCENARIOS = {
    1: "First contact: token, session, socket, in this order and form",
    3: "A refused connector is no loop, and told once",
    4: "Server errors are retried with growing waits",
    5: "Retry-After is honoured",
    7: "An answer without a token, and one that is no JSON",
    8: "Which stored tokens are presented again",
    10: "A session PolyAI no longer knows is replaced, its message carried",
    11: "A refused token costs the session, once",
    15: "An unreachable network costs nothing",
    16: "Sessions that never open are not opened for ever",
    18: "A resume names a plain cursor",
    19: "A batch is followed by sequence",
    20: "A history in several frames is one history",
    21: "Bodies under their protobuf names",
    25: "A restart after a kill resumes the session",
    26: "A restart resumes what is young enough, and replaces the rest",
    28: "A mute socket is recycled",
    29: "A late frame of the old session moves nothing",
    30: "One join, with an empty payload",
    31: "No join where the agent has joined",
    34: "A lost conversation is joined again, once",
    36: "Nothing is said before the agent has joined",
    37: "Echo, thinking, reply",
    38: "An echo of somebody else's confirms nothing",
    39: "Nothing said is nothing sent or posted",
    40: "A number to call is content",
    41: "An announced end is told once",
    42: "Thinking does not show for ever",
    43: "An echo with altered text confirms by its id",
    44: "Equal texts without ids are confirmed in their order",
    48: "A lost frame is sent again, once, under its own id",
    49: "A swallowed message is sent again with pauses, and given up visibly",
    50: "What is said while the socket is down arrives once, in order",
    54: "A kill around a send leaves one copy",
    55: "Chunks become one message, byte for byte",
    57: "Chunks out of order",
    59: "What a stream's chunks carry beside text",
    60: "Two interleaved streams are two messages",
    63: "An end in the middle of a stream posts what came",
    64: "A drop in the middle of a stream, and its replay",
    66: "Chunks without an index, from 0, without text",
    67: "An event that comes again is followed once",
    68: "Typing events share an id and all count",
    69: "One message under two event ids is posted once",
    70: "A message without id and sequence is posted once",
    71: "Languages, unknown types, and the cursor past them",
    72: "The heartbeat interval a session names",
    73: "No heartbeats where the session wants none",
    75: "Heartbeats only while open, and no activity",
    77: "A socket older than two hours is recycled unseen",
    78: "Reconnects back off exponentially",
    79: "A clean close ends the conversation",
    80: "What each close code means",
    83: "The budget of attempts is kept",
    85: "What comes late of a replaced socket is ignored",
    86: "Every way a session ends",
    87: "A person ends the conversation",
    88: "The whole ladder of a handoff",
    90: "A handoff that fails or times out",
    92: "A handoff that is ours to carry out",
    93: "Every error text of the catalogue",
    94: "Malformed frames",
    96: "The largest message",
    98: "Suggestions, attachments, markup",
    100: "A thousand conversations through every trouble at once",
}

#: The file and the scenario of each test there is, by its name.
TESTS = {
    name: (path.name, int(number))
    for path in sorted(Path(__file__).parent.glob("test_*.py"))
    for name, number in re.findall(
        r"^async def (test_(\d{3})_\w+)\(", path.read_text("utf-8"), re.MULTILINE
    )
}


def group_of(number: int) -> str:
    """The group a scenario belongs to."""
    return GROUPS[max(first for first in GROUPS if first <= number)]
