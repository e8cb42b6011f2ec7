"""What is a conversation worth that comes from a backup? Whatever was done since is not known.

So nothing is carried on that might be done twice: its session is let go of, what the agent had not
confirmed is for a person to decide about, and no id that may have been given out since is given
out again. The thread goes on with the next message, in a new session.
"""

from typing import Final

import msgspec

from bridge.core.state import Conversation

#: More ids than a conversation can have given out between a backup and its restoring.
GAP: Final = 1_000_000


def restored(conversation: Conversation) -> Conversation:
    """The conversation as it may go on."""
    session = conversation.session
    met = session is not None and session.agent is not None
    return msgspec.structs.replace(
        conversation,
        session=None,
        in_flight=None,
        waiting=(),
        heard=(),
        people=(),
        offered=None,
        menu=None,
        wanted=False,
        parked_at=None,
        failed_openings=0,
        told_unavailable=False,
        lost_session=met or conversation.lost_session,
        deliveries=conversation.deliveries + GAP,
    )
