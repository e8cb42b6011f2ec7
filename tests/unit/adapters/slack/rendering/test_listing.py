"""Do a list, a Home tab and the dialog before an end look as recorded, within Slack's limits?

Each case has a file in `tests/snapshots/slack_controls`; `UPDATE_SNAPSHOTS=1` writes them anew.
"""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.slack import ids, limits
from adapters.slack.front.commands import listed
from adapters.slack.front.home import home_view
from adapters.slack.identity import BotIdentity
from adapters.slack.reading.words import NO_WORDS
from adapters.slack.rendering.guidance import how_to
from adapters.slack.rendering.listing import MOST, conversations, line, of_workspace
from adapters.slack.settings.control_settings import ControlSettings
from adapters.slack.to_slack import to_slack
from bridge.model.delivery import Outbound
from bridge.model.ids import AgentName, DeliveryId, PersonId, ThreadKey
from bridge.model.messages import Control, Notice, NoticeKind
from bridge.plugin import Glimpse

SNAPSHOTS = Path(__file__).parents[4] / "snapshots" / "slack_controls"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOT = BotIdentity(team="T1", user="UBOT0000", name="polly", address="https://simulated.slack.com/")
WORDS = ControlSettings().words


def glimpse(number: int = 0, *, channel: str = "C0123456789", **more: object) -> Glimpse:
    opened = NOON + timedelta(minutes=number)
    told: dict[str, Any] = {"agent": AgentName("default"), "touched_at": opened, **more}
    root = f"{1772366400 + number}.000100"
    return Glimpse(thread=ThreadKey(f"T1:{channel}:{root}"), opened_at=opened, **told)


ONE = [glimpse()]
SEVERAL = [
    glimpse(),
    glimpse(1, channel="D0123456789", agent=AgentName("billing")),
    glimpse(2, with_person=True),
]
TOO_MANY = [glimpse(number) for number in range(MOST + 5)]


def answer(glimpses: Sequence[Glimpse], *, asking: bool = False) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(listed(glimpses, BOT, asking=asking))
    return told


def home(glimpses: Sequence[Glimpse], remark: str = "") -> dict[str, Any]:
    guidance = how_to(BOT.user, WORDS, "/agent")
    return home_view(BOT, glimpses, guidance, now=NOON, remark=remark)


def status() -> dict[str, Any]:
    owed = Outbound(
        id=DeliveryId("c1.7"),
        thread=ThreadKey("T1:C0123456789:1772366400.000100"),
        content=Notice(
            NoticeKind.STATUS,
            {"state": "open"},
            controls=(Control.PERSON, Control.END, Control.START),
        ),
        owed_at=NOON,
        only_for=PersonId("U0123456789"),
    )
    shown = to_slack(owed)
    return {"text": shown.text, "blocks": list(shown.blocks)}


MESSAGES = {
    "list_empty": answer([]),
    "list_of_one": answer(ONE),
    "list_of_several": answer(SEVERAL),
    "list_asking": answer(SEVERAL, asking=True),
    "list_too_long": answer(TOO_MANY),
    "status_with_controls": status(),
}
VIEWS = {
    "home_empty": home([]),
    "home_of_several": home(SEVERAL),
    "home_after_a_press": home(ONE, "The conversation is being ended."),
    "home_too_long": home(TOO_MANY),
}
ALL = MESSAGES | VIEWS


@pytest.mark.parametrize("name", ALL)
def test_it_looks_as_recorded(name: str) -> None:
    file = SNAPSHOTS / f"{name}.json"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(json.dumps(ALL[name], indent=2, ensure_ascii=False) + "\n")
    assert ALL[name] == json.loads(file.read_text())


@pytest.mark.parametrize("name", [name for name in MESSAGES if "blocks" in MESSAGES[name]])
def test_a_message_keeps_every_limit(name: str) -> None:
    assert limits.violations(MESSAGES[name]["text"], MESSAGES[name]["blocks"]) == []


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_keeps_every_limit(name: str) -> None:
    assert limits.view_violations(VIEWS[name]) == []


def test_every_record_has_its_case() -> None:
    assert {file.stem for file in SNAPSHOTS.glob("*.json")} == set(ALL)


def test_every_button_of_a_list_names_its_thread() -> None:
    _, buttons = conversations(ONE, BOT.address)
    opening, *others = buttons["elements"]
    assert opening["url"].startswith("https://simulated.slack.com/archives/C0123456789/p17723664")
    for button in others:
        value = ids.decode_button(button["value"])
        assert value is not None
        assert (value.team, value.thread) == ("T1", ONE[0].thread)


def test_ending_asks_once_more_and_nothing_else_does() -> None:
    _, buttons = conversations(ONE, BOT.address)
    asking = [b["action_id"] for b in buttons["elements"] if "confirm" in b]
    assert asking == [ids.control_action(Control.END)]


def test_whom_a_person_helps_already_is_not_offered_another() -> None:
    _, buttons = conversations([glimpse(with_person=True)], BOT.address)
    named = [button["action_id"] for button in buttons["elements"]]
    assert ids.control_action(Control.PERSON) not in named


def test_without_the_workspaces_address_there_is_no_link() -> None:
    said, buttons = conversations(ONE, "javascript:x")
    assert "http" not in json.dumps([said, buttons])


def test_what_comes_from_outside_is_escaped() -> None:
    assert "<!here>" not in line(glimpse(agent=AgentName("<!here>")), BOT.address)


def test_a_list_is_of_one_workspace() -> None:
    elsewhere = Glimpse(
        thread=ThreadKey("T2:C1:1.0"), agent=AgentName("a"), opened_at=NOON, touched_at=NOON
    )
    assert of_workspace([*ONE, elsewhere], "T1") == ONE


def test_guidance_tells_only_what_is_there() -> None:
    assert "`/agent end`" in how_to("U1", WORDS, "/agent")
    assert "`end`" in how_to("U1", WORDS, "")
    assert "/agent" not in how_to("U1", WORDS, "")
    assert "`" not in how_to("U1", NO_WORDS, "")
