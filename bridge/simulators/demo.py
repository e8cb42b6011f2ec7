"""What does the main job look like, with no account at all? `make demo` plays it.

The bridge is the real one, as a process; Slack and PolyAI are simulated on loopback.
"""

import asyncio
import io
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import TextIO

from bridge.clock import SystemClock
from bridge.simulators.demo_chat import chat, typed_lines
from bridge.simulators.demo_screen import Screen
from bridge.simulators.demo_script import perform
from bridge.simulators.demo_stage import Stage, staged
from bridge.simulators.demo_steps import NotSeen, Steps

_INTERRUPTED = 130


def play(*, scripted: bool) -> int:
    """Play the demo, `scripted` or for somebody at the terminal; the exit code.

    0: every step was seen, or the person left. 1: a step was not seen. 130: interrupted.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a tick must not end the play.
        sys.stdout.reconfigure(errors="replace")
    try:
        return asyncio.run(_play(sys.stdout, scripted=scripted))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return _INTERRUPTED if scripted else 0
    except BrokenPipeError:
        # Whoever read along has left, and the interpreter would stumble over its last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


async def told(stage: Stage, out: TextIO, playing: Awaitable[None]) -> int:
    """Play, and say what was not seen, with the end of the bridge's log; the exit code."""
    try:
        await playing
    except NotSeen as missed:
        tail = stage.bridge.tail()
        out.write(f"\n✗ expected: {missed}\n\nThe bridge's log ends:\n{tail}\n")
        out.flush()
        return 1
    return 0


async def scripted_play(stage: Stage, out: TextIO) -> None:
    """One whole conversation. Raises NotSeen."""
    screen = Screen(stage.slack, out)
    await perform(stage, screen, Steps(screen, stage.clock, ended=stage.bridge.ended))


async def _play(out: TextIO, *, scripted: bool) -> int:
    _leave_orderly()
    with tempfile.TemporaryDirectory(prefix="polyai-bridge-demo-") as directory:
        async with staged(Path(directory), SystemClock()) as stage:
            playing = scripted_play if scripted else _interactive
            return await told(stage, out, playing(stage, out))


async def _interactive(stage: Stage, out: TextIO) -> None:
    with typed_lines(sys.stdin.fileno()) as typed:
        await chat(stage, out, typed)


def _leave_orderly() -> None:
    """A request to end, or a terminal that goes away, ends the play as an interrupt does."""
    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
