"""Are settings refused that could not work, and without saying what a secret is?"""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.webhook import PLUGIN
from adapters.webhook.settings import SECRET_LENGTH, WebhookSettings
from bridge.plugin import Capabilities, Grade

SECRET = "0123456789abcdef0123456789abcdef"
GIVEN: dict[str, Any] = {"secret": SECRET, "callback_url": "https://system.example/hook"}


def test_two_keys_are_enough() -> None:
    settings = WebhookSettings.model_validate(GIVEN)
    assert settings.window == timedelta(minutes=5)
    assert settings.accepted_secrets == (SECRET,)
    assert settings.signing_secret == SECRET
    assert PLUGIN.tuned(settings, PLUGIN.capabilities) == Capabilities()


def test_the_least_is_claimed_until_an_operator_says_more() -> None:
    shown = ["formatting", "suggestions", "pictures", "attachments", "authorship", "edits"]
    more = {**GIVEN, "show": shown, "text_limit": 160, "suggestion_limit": 3}
    full = Grade.FULL
    assert PLUGIN.tuned(WebhookSettings.model_validate(more), PLUGIN.capabilities) == Capabilities(
        formatting=full,
        suggestions=full,
        pictures=full,
        attachments=full,
        authorship=full,
        edits=full,
        text_limit=160,
        suggestion_limit=3,
    )


def test_a_variable_may_hold_the_list() -> None:
    for written in ('["edits", "signals"]', "edits, signals"):
        settings = WebhookSettings.model_validate({**GIVEN, "show": written})
        assert settings.show == ("edits", "signals")


def test_while_secrets_are_changed_two_are_good_and_one_signs() -> None:
    before, own = "b" * SECRET_LENGTH, "c" * SECRET_LENGTH
    settings = WebhookSettings.model_validate({**GIVEN, "previous_secret": before})
    assert settings.accepted_secrets == (SECRET, before)
    assert settings.signing_secret == SECRET
    settings = WebhookSettings.model_validate({**GIVEN, "callback_secret": own})
    assert (settings.accepted_secrets, settings.signing_secret) == ((SECRET,), own)


def test_a_line_break_at_the_end_of_a_secret_is_no_part_of_it() -> None:
    settings = WebhookSettings.model_validate({**GIVEN, "secret": f"{SECRET}\n"})
    assert settings.accepted_secrets == (SECRET,)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("secret", ""),
        ("secret", "0123456789abcdef"),
        ("secret", f"{SECRET} with words"),
        ("secret", f"{SECRET}\u00e9"),
        ("previous_secret", "hidden"),
        ("previous_secret", SECRET),
        ("callback_secret", "hidden"),
        ("callback_url", "http://system.example/hidden"),
        ("callback_url", "https://user:hidden@system.example/"),
        ("callback_url", "ftp://system.example/hidden"),
        ("show", ["hidden"]),
        ("show", "[hidden"),
        ("window", "hidden"),
        ("window", "11m"),
        ("callback_timeout", "0s"),
        ("callback_timeout", "51s"),
        ("text_limit", 63),
        ("suggestion_limit", 0),
        ("callback_idempotent", "hidden"),
        ("hidden", 1),
    ],
)
def test_what_could_not_work_is_refused_and_not_quoted(key: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        WebhookSettings.model_validate({**GIVEN, key: value})
    errors = refused.value.errors(include_input=False, include_url=False, include_context=False)
    assert [error["loc"][0] for error in errors] == [key]
    assert "hidden" not in errors[0]["msg"]
    assert SECRET not in str(refused.value)


def test_a_secret_is_not_printed() -> None:
    told = repr(WebhookSettings.model_validate(GIVEN))
    assert SECRET not in told
    assert "/hook" not in told  # an address may be as good as one


def test_a_callback_may_stay_on_this_machine() -> None:
    url = "http://127.0.0.1:9000/hook"
    assert WebhookSettings.model_validate({**GIVEN, "callback_url": url}).callback_url == url
