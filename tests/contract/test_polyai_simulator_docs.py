"""The documentation of the simulated PolyAI names what there is, and nothing else."""

import inspect
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from bridge.core import system_messages
from bridge.model.frames import SystemMessage
from bridge.simulators import polyai_control
from bridge.simulators.polyai_call_verbs import CallVerbs
from bridge.simulators.polyai_catalogue import HANDOFF_STEPS, MALFORMED, SYSTEM_TEXTS, read_steps
from bridge.simulators.polyai_exchange_verbs import ExchangeVerbs
from bridge.simulators.polyai_frame_verbs import FrameVerbs
from bridge.simulators.polyai_options import Options
from tests.contract.raw_polyai import Client

PAGE = (Path(__file__).parents[2] / "docs" / "simulators.md").read_text("utf-8")
OPTIONS = {known.name for known in fields(Options)}
#: Backquoted in the map, but an argument, a word of the wire or of the agent's.
OTHER_WORDS = {
    "Retry-After",
    "body",
    "code",
    "end",
    "end_conversation",
    "in_batch",
    "location",
    "n",
    "own_custom",
    "retry_after",
    "retry_date",
    "seconds",
    "session_life",
    "share",
    "slow",
    "state",
    "times",
}
#: The scenarios of conformance.
SCENARIOS = {
    *(1, 3, 4, 5, 7, 8, 10, 11, 15, 16, 18, 19, 20, 21, 25, 26, 28, 29, 30, 31, 34, 36),
    *(37, 38, 39, 40, 41, 42, 43, 44, 48, 49, 50, 54, 55, 57, 59, 60, 63, 64, 66, 67, 68),
    *(69, 70, 71, 72, 73, 75, 77, 78, 79, 80, 83, 85, 86, 87, 88, 90, 92, 93, 94, 96, 98, 100),
}


def part(heading: str) -> str:
    assert f"\n{heading}\n" in PAGE
    return PAGE.partition(f"\n{heading}\n")[2].partition("\n## ")[0]


def rows(text: str) -> dict[str, list[str]]:
    """The rows of a table by the word in backquotes that begins them."""
    found = re.findall(r"^\| `([^`]+)` \|(.*)\|$", text, flags=re.MULTILINE)
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in found}


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("## PolyAI: what befalls calls and connections", CallVerbs),
        ("## PolyAI: what becomes of messages, joins, streams and sockets", ExchangeVerbs),
        ("## PolyAI: any frame, well formed or not", FrameVerbs),
    ],
)
def test_every_verb_is_explained_with_its_arguments(heading: str, kind: type) -> None:
    told = rows(part(heading))
    offered = {name for name in vars(kind) if not name.startswith("_")}

    assert set(told) == offered
    assert offered <= polyai_control.VERBS
    for name, (arguments, meaning) in told.items():
        _, *parameters = inspect.signature(getattr(kind, name)).parameters.values()
        assert re.findall(r"`(\w+)`", arguments) == [each.name for each in parameters]
        required = [each.name for each in parameters if each.default is each.empty]
        assert re.findall(r"\*\*`(\w+)`\*\*", arguments) == required
        assert meaning


def test_every_option_is_explained_and_no_other() -> None:
    told = rows(part("## PolyAI: options").partition("### Names")[0])
    assert set(told) == OPTIONS
    assert all(meaning for _, meaning in told.values())


def test_every_name_is_listed() -> None:
    names = part("## PolyAI: options").partition("### Names")[2]
    for listed in (MALFORMED, HANDOFF_STEPS):
        assert [name for name in listed if f"`{name}`" not in names] == []


def test_every_complaint_is_told_with_its_text_and_its_name_in_the_log() -> None:
    told = rows(part("## PolyAI: options").partition("### System messages")[2])
    assert list(told) == list(SYSTEM_TEXTS)
    for name, (level, text) in SYSTEM_TEXTS.items():
        short = level.rpartition("_")[2].lower()
        meaning = system_messages.read(SystemMessage(short, text)).name
        logged = "" if meaning == "information" else f"`{meaning}`"
        assert told[name] == [short, f"`{text}`", logged]


def test_every_example_of_a_handoff_is_one() -> None:
    examples = [json.loads(each) for each in re.findall(r'^\{.*"steps".*\}$', PAGE, re.MULTILINE)]
    assert len(examples) == 3
    for example in examples:
        assert read_steps(example.pop("steps"))
        inspect.signature(FrameVerbs.hand_off).bind(None, **example)


async def test_every_field_of_the_state_is_told_and_no_other(client: Client) -> None:
    await client.talk()
    state = client.polyai.state()
    table = PAGE.partition("### What the state of the simulated PolyAI tells\n")[2]
    found = re.findall(r"^\| (… )?(`.*`) \|(.*)\|$", table.partition("\n## ")[0], re.MULTILINE)
    told = {
        name: (bool(inner), meaning)
        for inner, names, meaning in found
        for name in re.findall(r"`(\w+)`", names)
    }
    (session,) = state["sessions"]
    assert {name for name, (inner, _) in told.items() if not inner} == set(state)
    assert {name for name, (inner, _) in told.items() if inner} == set(session)
    (socket,) = session["record"]["sockets"]
    for name, whole in (("record", session["record"] | socket), ("calls", state["calls"][0])):
        missing = [each for each in whole if each not in told[name][1]]
        assert missing == []


def test_the_map_of_the_contract_names_only_what_there_is() -> None:
    said = set(
        re.findall(r"`([^`]+)`", part("## PolyAI: which fault of the contract is which verb"))
    )
    assert said - polyai_control.VERBS - OPTIONS == OTHER_WORDS


def test_the_map_covers_every_scenario_and_every_row_of_the_conflicts() -> None:
    contract, _, by_scenario = part(
        "## PolyAI: which fault of the contract is which verb"
    ).partition("### By scenario of conformance")
    covered = set()
    for cell in re.findall(r"^\| ([\d, ]+) \|", by_scenario, re.MULTILINE):
        covered |= {int(number) for number in cell.split(", ")}
    assert covered == SCENARIOS
    told = re.findall(r"\brows? ([\d, ]+)", contract, re.IGNORECASE)
    numbers = {int(number) for cell in told for number in re.findall(r"\d+", cell)}
    assert numbers | {15, 25} == set(range(1, 27))
