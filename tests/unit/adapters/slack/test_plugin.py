"""Is the plug-in what the entry point promises?"""

from importlib.metadata import entry_points

import msgspec
import pytest

from adapters.slack import PLUGIN, limits
from adapters.slack.settings import SlackSettings
from bridge.plugin import API_VERSION, Capabilities, Grade, Plugin


def test_the_entry_point_names_the_plug_in() -> None:
    (entry,) = entry_points(group="polyai_bridge.adapters", name="slack")
    assert entry.load() is PLUGIN


def test_it_is_a_plug_in_of_this_api() -> None:
    assert isinstance(PLUGIN, Plugin)
    assert PLUGIN.settings is SlackSettings
    assert PLUGIN.api_version == API_VERSION


def test_its_claims_agree_with_its_limits() -> None:
    assert PLUGIN.capabilities == Capabilities(
        formatting=Grade.FULL,
        suggestions=Grade.FULL,
        pictures=Grade.FULL,
        attachments=Grade.FULL,
        edits=Grade.FULL,
        authorship=Grade.PARTIAL,
        streaming=Grade.FULL,
        signals=Grade.PARTIAL,
        text_limit=3000,
        suggestion_limit=100,
    )
    assert PLUGIN.capabilities.suggestion_limit == limits.OPTIONS


@pytest.mark.parametrize(
    ("streaming", "grade"),
    [
        ("auto", Grade.FULL),
        ("native", Grade.FULL),
        ("edit", Grade.PARTIAL),
        ("off", Grade.NONE),
    ],
)
def test_messages_grow_as_far_as_the_settings_let_them(streaming: str, grade: Grade) -> None:
    given = {"bot_token": "xoxb-1", "app_token": "xapp-1", "streaming": streaming}
    settings = SlackSettings.model_validate(given)
    tuned = PLUGIN.tuned(settings, PLUGIN.capabilities)
    assert tuned == msgspec.structs.replace(PLUGIN.capabilities, streaming=grade)
