"""Is the plug-in what the entry point promises?"""

from importlib.metadata import entry_points

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
        authorship=Grade.PARTIAL,
        signals=Grade.PARTIAL,
        text_limit=3000,
        suggestion_limit=100,
    )
    assert PLUGIN.capabilities.suggestion_limit == limits.OPTIONS
