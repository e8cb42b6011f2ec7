"""Which reading of PolyAI's documents is in force? Where they disagree, it can be either.

Sections and rows are those of the reference; §22 is its register of conflicts.
"""

import types
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bridge.simulators.polyai_frames import LARGEST_FRAME

#: Which cursors are taken: see `polyai_replay.read_cursor`.
CursorMode = Literal["plain", "seq_only", "plain_only", "lenient"]
#: The two texts a bad cursor has been refused with (§4.2).
INVALID_CURSOR = "invalid cursor: must be a non-negative integer"
INVALID_CURSOR_DRAFT = "invalid cursor: expected format seq:<n>"


@dataclass(slots=True, kw_only=True)
class Options:
    """The switches. Mutable: an option may be turned in the middle of a test."""

    # -- replay
    cursor_mode: CursorMode = "plain"  #: §4.2, row 2
    bad_cursor: Literal["refuse", "replay_all"] = "refuse"  #: row 2: 400, or everything and a note
    cursor_refusal: str = INVALID_CURSOR  #: row 2: the words of the 400
    batch_size: int = 50  #: events in one batch frame
    batch_overlap: int = 0  #: events of a batch that the next one repeats
    batch_seconds: float = 0.0  #: the time before each batch
    live_overtakes: bool = False  #: §14: live frames do not wait for batches that are still due
    restate_start: bool = True  #: row 19: the first batch always holds SESSION_START
    restated_id: Literal["same", "new"] = "same"  #: §6.2: a restated SESSION_START has its own id
    replay_reversed: bool = False  #: §5: events within a batch come newest first
    replay_metadata: bool = True  #: §25: replayed echoes keep `metadata`
    replay_ended: bool = True  #: an ended session can be read until it expires, then 404
    #: §25: how a streamed reply comes back. Other than "chunks" only for streams from now on.
    replay_stream: Literal["chunks", "whole", "both"] = "chunks"
    oneof_bodies: bool = False  #: §5: events in batches without `payload`

    # -- the form of frames
    omit: Sequence[str] = ()  #: row 24: `id`, `timestamp`, `sequence`… left out of server frames
    numbers: Literal["int", "string", "float"] = "int"  #: §5: how whole numbers are written
    omit_defaults: bool = False  #: §5: protobuf leaves out false, 0, "" and empty lists
    agent_form: Literal["documented", "nested", "flat", "both"] = "documented"  #: §6.2: live agents
    aliases: bool = False  #: §6.2: `position`, `avatar_url`
    timestamps: Literal["utc", "offset", "micro", "tenth", "bad"] = "utc"  #: §5
    shared_transient_id: bool = False  #: scenario 68: all frames without a sequence share one id
    thinking_journaled: bool = True  #: §6.2: THINKING has a sequence
    bare_heartbeats: bool = False  #: §6.2: heartbeat echoes without id and timestamp
    sequence_step: int = 1  #: §5: sequences may have gaps

    # -- calls and tokens
    error_shape: Literal["flat", "nested", "message", "plain", "html"] = "flat"  #: §3, row 1
    error_words: Literal["docs", "sdk"] = "docs"  #: row 14: the words of a 500
    correlation_header: bool = True  #: §3: answers carry the correlation id as a header
    unknown_connector: Literal[401, 404] = 401  #: row 22: the status of AUTH_USER_NOT_FOUND
    rest_names: Literal["snake", "camel", "id"] = "snake"  #: §2: `accessToken`, `sessionId` or `id`
    rest_omit: Sequence[str] = ()  #: §2.1: `expires_in`, `token_type`… left out of answers
    host_match: Literal["exact", "subdomains"] = "exact"  #: row 13
    token_seconds: int = 86_400  #: §2.1: `expires_in`, and how long we take the token
    #: §10: the claim `exp`, in seconds from now where it is not that of `token_seconds`.
    jwt_seconds: int | None = None
    #: §10: what the token looks like; we take it all the same.
    token_form: Literal["jwt", "no_exp", "text_exp", "two_parts", "undecodable"] = "jwt"  # noqa: S105 - no secret
    tokens_bound: bool = True  #: row 6: a session takes only the token that made it
    token_parameter: str = "access_token"  #: row 16  # noqa: S105 - a parameter's name

    # -- sockets
    socket_limit: int = 10  #: §4.4
    socket_seconds: float | None = None  #: §4.4: close 1001 at this age
    longest_url: int | None = None  #: §4.4: a longer handshake path and query is answered 414
    size_limit: int = LARGEST_FRAME  #: row 3: the largest frame in bytes; 0 for none
    oversized: Literal["error", "close", "drop"] = "error"  #: row 3: SYSTEM_MESSAGE, 1009, silence
    idle_counts: Literal["frames", "messages"] = "frames"  #: row 5: what keeps a session alive
    idle_ends: Literal["session_end", "close"] = "session_end"  #: §4.4, §11: how idleness ends

    # -- capabilities; None leaves one out
    heartbeat_seconds: int | None = 30
    max_message_bytes: int | None = LARGEST_FRAME
    max_reconnect_attempts: int | None = 5  #: row 21
    capabilities: dict[str, Any] = field(default_factory=dict)  #: laid over these, any JSON

    # -- exchanges
    echo_text: Literal["same", "normalised", "empty"] = "same"  #: scenario 43
    echo_metadata: bool = True  #: §7: echoes carry our custom map
    typing_echoed: bool = False  #: §6.1: USER_TYPING comes back, though no document says so
    link_allowed: bool = False  #: row 18: LINK_TO_WEBRTC_CONVERSATION is a sixth client event
    reasons: Literal["documented", "informal", "null", "absent"] = "documented"  #: §11
    live_left_ends: bool = True  #: row 9: SESSION_END follows when Sam leaves
    client_handoff: Literal["reason", "route", "both"] = "reason"  #: row 10

    # -- streams
    chunk_base: Literal[0, 1, None] = 1  #: row 17; None: no `chunk_index` at all
    chunk_words: bool = False  #: row 7: chunks are whole words and lack the spaces between them
    extras_on: Literal["first", "every", "last", "spread"] = "last"  #: row 8: where suggestions are
    empty_last_chunk: bool = True  #: §13: the final chunk has no text
    copy_live: bool = False  #: §13: the whole message follows its chunks live, too
    copy_suffix: str = ""  #: §13: what the whole message says beyond its chunks

    def turn(self, name: str, value: Any) -> None:  # noqa: ANN401 - each option has its own type
        """Set an option by its name.

        Raises:
            ValueError: there is no such option, or no such choice.
        """
        if name not in {known.name for known in fields(self)}:
            raise ValueError(f"no option {name!r}")
        choices = _choices(get_type_hints(Options)[name])
        if choices and value not in choices:
            raise ValueError(f"{name} is one of {', '.join(map(repr, choices))}")
        setattr(self, name, value)


def _choices(kind: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a type as typing has it
    if get_origin(kind) in (Union, types.UnionType):
        return ()
    return get_args(kind) if get_origin(kind) is Literal else ()
