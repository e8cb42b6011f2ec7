"""Are the settings of a workspace checked, with messages that help and betray nothing?"""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from adapters.slack.settings import SlackSettings

GIVEN = {"type": "slack", "bot_token": "xoxb-1-abc", "app_token": "xapp-1-abc"}


def refusal(**changes: object) -> str:
    with pytest.raises(ValidationError) as refused:
        SlackSettings.model_validate(GIVEN | changes)
    return str(refused.value)


def test_tokens_alone_are_enough() -> None:
    settings = SlackSettings.model_validate(GIVEN)
    assert settings.api_url == "https://slack.com/api/"
    assert settings.mode == "socket"
    assert settings.in_doubt_wait == timedelta(seconds=30)
    assert not settings.local


def test_an_unknown_key_is_refused() -> None:
    assert "bot_tokn" in refusal(bot_tokn="x")


def test_another_mode_names_both() -> None:
    message = refusal(mode="carrier pigeon")
    assert "socket" in message
    assert "http" in message


HTTP = {
    "type": "slack",
    "mode": "http",
    "bot_token": "xoxb-1",
    "signing_secret": "8f7428",
    "public_url": "https://bridge.example/",
}
INSTALLED = {
    "type": "slack",
    "app_token": "xapp-1",
    "client_id": "1.2",
    "client_secret": "abc",
    "public_url": "https://bridge.example",
}


def test_over_http_slack_signs_and_knows_where_we_are() -> None:
    settings = SlackSettings.model_validate(HTTP)
    assert settings.public_url == "https://bridge.example"
    assert not settings.installs
    for needed in ("signing_secret", "public_url", "bot_token"):
        given = {key: value for key, value in HTTP.items() if key != needed}
        with pytest.raises(ValidationError, match=needed):
            SlackSettings.model_validate(given)


@pytest.mark.parametrize("path", ["/slack/events", "/bridge/slack/install/", "/s/oauth_redirect"])
def test_a_whole_request_url_is_no_public_url(path: str) -> None:
    with pytest.raises(ValidationError, match="path that the bridge adds itself"):
        SlackSettings.model_validate({**HTTP, "public_url": f"https://bridge.example{path}"})


def test_a_public_url_may_have_a_path_of_a_proxy() -> None:
    given = {**HTTP, "public_url": "https://bridge.example/events/"}
    assert SlackSettings.model_validate(given).public_url == "https://bridge.example/events"


def test_an_app_that_workspaces_install_has_no_token_of_its_own() -> None:
    assert SlackSettings.model_validate(INSTALLED).installs
    for needed in ("client_secret", "public_url", "app_token"):
        given = {key: value for key, value in INSTALLED.items() if key != needed}
        with pytest.raises(ValidationError, match=needed):
            SlackSettings.model_validate(given)
    with pytest.raises(ValidationError, match="each workspace has its own"):
        SlackSettings.model_validate({**INSTALLED, "bot_token": "xoxb-1"})


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("bot_token", "xapp-9-secret", "xoxb-"),
        ("bot_token", "xoxb-9 secret", "xoxb-"),
        ("bot_token", " ", "is empty"),
        ("app_token", "xoxb-9-secret", "xapp-"),
        ("app_token", "", "Field required"),
    ],
)
def test_a_wrong_token_is_explained_and_never_quoted(key: str, value: str, says: str) -> None:
    message = refusal(**{key: value})
    assert key in message
    assert says in message
    assert "secret" not in message.replace("SecretStr", "")


def test_a_missing_token_is_named() -> None:
    with pytest.raises(ValidationError, match="app_token"):
        SlackSettings.model_validate({"type": "slack", "bot_token": "xoxb-1"})


def test_tokens_are_trimmed_and_not_shown() -> None:
    settings = SlackSettings.model_validate(GIVEN | {"bot_token": " xoxb-1-abc\n"})
    assert settings.bot_token.get_secret_value() == "xoxb-1-abc"
    assert "abc" not in repr(settings)


@pytest.mark.parametrize(
    ("given", "taken", "local"),
    [
        ("https://gateway.example/slack", "https://gateway.example/slack/", False),
        ("http://127.0.0.1:81/api/", "http://127.0.0.1:81/api/", True),
        ("http://localhost:81", "http://localhost:81/", True),
        ("http://[::1]:81/", "http://[::1]:81/", True),
    ],
)
def test_an_address_gets_its_last_slash(given: str, taken: str, *, local: bool) -> None:
    settings = SlackSettings.model_validate(GIVEN | {"api_url": given})
    assert (settings.api_url, settings.local) == (taken, local)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("http://slack.com/api/", "https://"),
        ("http://localhost.evil.example/", "https://"),
        ("slack.com", "not an address"),
        ("https://me:secret@slack.com/", "plain address"),
        ("https://slack.com/api/?token=secret", "plain address"),
    ],
)
def test_any_other_address_is_refused(given: str, says: str) -> None:
    message = refusal(api_url=given)
    assert says in message
    assert "secret" not in message


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("45s", timedelta(seconds=45)),
        ("10m", timedelta(minutes=10)),
        ("700ms", timedelta(milliseconds=700)),
        (timedelta(seconds=5), timedelta(seconds=5)),
    ],
)
def test_durations_are_read(given: object, taken: timedelta) -> None:
    assert SlackSettings.model_validate(GIVEN | {"in_doubt_wait": given}).in_doubt_wait == taken


@pytest.mark.parametrize("given", ["soon", "10", "-3s", "0s", 30])
def test_other_durations_are_refused(given: object) -> None:
    assert "in_doubt_wait" in refusal(in_doubt_wait=given)


def test_a_token_that_expires_has_to_be_renewable() -> None:
    assert "needs a client_id" in refusal(token_rotation=True)
    assert SlackSettings.model_validate(INSTALLED | {"token_rotation": True}).token_rotation
