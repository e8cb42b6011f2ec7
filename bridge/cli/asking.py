"""How does a command ask the running bridge? By the socket beside its database."""

import asyncio
from pathlib import Path
from typing import Any, Final

import msgspec

from bridge.errors import BridgeError
from bridge.runtime.control import Question, Refusal, control_path, reachable
from bridge.store import database_path

#: The longest answer, in bytes.
_ANSWER_LIMIT: Final = 64 * 1024 * 1024
#: How long a running bridge may take, in seconds.
PATIENCE: Final = 60.0


class NotRunning(BridgeError):
    """No bridge serves this database, or it cannot be asked."""


class Answered(BridgeError):
    """The running bridge says why it did not do it; with the exit code that it names."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.error, remedy=refusal.remedy)
        self.exit_code = refusal.exit_code


async def ask(
    url: str, verb: str, arguments: dict[str, Any] | None = None, *, within: float = PATIENCE
) -> Any:  # noqa: ANN401 - each verb has its own answer
    """What the bridge that serves the database at `url` answers, within so many seconds.

    Raises:
        NotRunning: none does, or it cannot be reached.
        Answered: it was not done.
        DatabaseFailed: `url` names no file.
    """
    path = control_path(database_path(url))
    try:
        async with asyncio.timeout(within):
            line = await _asked(path, msgspec.json.encode(Question(verb, arguments or {})))
    except (BrokenPipeError, ConnectionResetError):
        line = b""
    except TimeoutError:
        raise NotRunning(
            f"The bridge gave no answer within {within:.0f} s",
            remedy="it may be busy or stuck: look at its log, or try again",
        ) from None
    except OSError as error:
        raise _unreachable(path, error) from None
    except ValueError:
        raise NotRunning(
            "The bridge's answer is too long to be read", remedy="ask for less of it at once"
        ) from None
    if not line.endswith(b"\n"):  # it ended before its answer did
        raise NotRunning(
            "The bridge gave no answer",
            remedy="it belongs to another user, or is just stopping: use its user, or try again",
        )
    answer = msgspec.json.decode(line)
    if "error" in answer:
        raise Answered(msgspec.convert(answer, Refusal))
    return answer["answer"]


async def _asked(path: Path, question: bytes) -> bytes:
    with reachable(path) as name:
        reader, writer = await asyncio.open_unix_connection(name, limit=_ANSWER_LIMIT)
    try:
        writer.write(question + b"\n")
        await writer.drain()
        return await reader.readline()
    finally:
        writer.close()


def _unreachable(path: Path, error: OSError) -> NotRunning:
    if isinstance(error, PermissionError):
        return NotRunning(
            f"{path} belongs to another user", remedy="run this as the bridge's user, or as root"
        )
    return NotRunning(
        f"No bridge serves {path.with_suffix('')}",
        remedy="start it with `polyai-bridge run`, or name its configuration with --config",
    )
