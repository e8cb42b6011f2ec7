"""Is what steers a conversation configured as it is written?"""

import pytest
from pydantic import ValidationError

from adapters.slack.settings.control_settings import ControlSettings
from bridge.model.messages import Control


def settings(**given: object) -> ControlSettings:
    return ControlSettings.model_validate(given)


def test_the_usual_words_are_told_apart() -> None:
    words = settings().words
    assert words["stop"] is Control.END
    assert words["start again"] is Control.START
    assert words["human"] is Control.PERSON
    assert words["what is going on"] is Control.STATUS


def test_a_list_that_is_given_replaces_its_own_alone() -> None:
    words = settings(control_words={"end": ["beenden"]}).words
    assert words["beenden"] is Control.END
    assert "stop" not in words
    assert words["status"] is Control.STATUS


def test_an_empty_list_switches_one_off() -> None:
    assert Control.END not in settings(control_words={"end": []}).words.values()


def test_the_environment_gives_a_list_as_json() -> None:
    words = settings(control_words={"end": '["fin"]'}).words
    assert words["fin"] is Control.END


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"control_words": {"ends": ["x"]}}, "no list 'ends'"),
        ({"control_words": {"end": ["new"]}}, "two lists"),
        ({"control_words": {"end": ["..."]}}, "letter"),
        ({"control_words": {"end": "stop"}}, "is not a list"),
        ({"control_words": ["stop"]}, "dict"),
        ({"command": "agent"}, "is not a command"),
        ({"command": "/Agent"}, "is not a command"),
        ({"command": "/a b"}, "is not a command"),
        ({"command": "/" + "a" * 32}, "is not a command"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        settings(**given)


def test_there_may_be_no_command_and_no_home_tab() -> None:
    assert settings(command="").command == ""
    assert settings(home_tab=False).home_tab is False
