"""Why a target was missed: one text for each, told on the page only where the run missed it.

The key is a target's name in `targets`, or what stands before its first "-" for all of a kind. Each
text names what was measured: a share of the run's own profile, a floor, a figure of the same page.
"""

from typing import Final

NONE: Final = "not explained yet"
WHY: Final[dict[str, str]] = {
    "2a": (
        "the script takes a quarter less CPU for a message, as there is less that it does. The"
        " bare libraries are a quarter of ours; of the rest this page's profile tells: keeping"
        " things (the store's writer: five changes for each message, in their own order and on the"
        " disk before anything is acknowledged or posted) is a quarter of all, the steps that"
        " decide what reaches whom once and in order a sixth, posting with a turn of its own, a"
        " mark to find it again by and a verdict on what came back a fifth. Over TLS the script's"
        " new connection for each post costs it a handshake (see 2b), in clear much less. What"
        " would be left to take is aiohttp's request, half of a post, and was given back on"
        " purpose (decision 22)."
    ),
    "2b": (
        "as 2a: over TLS the script pays a handshake for each post and falls behind, but what"
        " ours does beside the bare libraries stays. The prototype that the target comes from had"
        " no retries, no order, no governor, no signs of life and no journal of the agent's"
        " frames; its whole message took what the store, the core and the loop take here."
    ),
    "2c": "as 2a: the careful script's transactions take what they took, but ours does more.",
    "3a": (
        "two commits stand one after the other before a person's words leave for the agent, and"
        " two more before the answer leaves for Slack. At this rate hardly two changes share a"
        " commit, so each message pays for five: the CPU of a message is three times that at full"
        " speed, in this page's tables, and what is added is that, not the disk. To gather changes"
        " for a while would spare it and add the while."
    ),
    "3b": "as 3a; and what meets a busy loop then waits for it.",
    "3c": (
        "two commits and their hops between threads, against a handshake of TLS for each of the"
        " script's posts: at so few messages a second they come out about even."
    ),
    "3d": "one commit and two hops between threads, the second behind whatever the loop does then.",
    "4a": (
        "a bare connect in clear is so cheap that what a conversation needs beside it weighs"
        " more: its state read and decoded, a task that keeps its socket, its place in the line,"
        " its history followed and its deadlines set, and the collector, which the bare loop"
        " hardly meets. Over TLS, which is the real case, the handshake outweighs them."
    ),
    "4c-clear": (
        "of it nearly a second is the process itself: the interpreter, its imports, the database"
        " and the first call of Slack; of the rest not quite half are handshakes, and what else"
        " there is is told at 4a."
    ),
    "4c-tls": (
        "of it nearly a second is the process itself: the interpreter, its imports, the database"
        " and the first call of Slack; the handshakes alone take most of the rest."
    ),
    "5a": (
        "the beats of ten thousand sessions are in it; what the rest is was not measured. Between"
        " a thousand and ten thousand the figures hardly differ."
    ),
    "5d": (
        "a beat of ours is looked at beforehand (is the other side still there, is one under way)"
        " and sent by a task of its own, so that a socket that does not drain holds up no other's;"
        " the floor's one task does neither."
    ),
}


def why(name: str) -> str:
    """The explanation of a missed target."""
    return WHY.get(name) or WHY.get(name.partition("-")[0]) or NONE
