"""What an operator may write of a Matrix account."""

import pytest
from pydantic import ValidationError

from adapters.matrix.settings import MatrixSettings

LEAST = {"homeserver": "https://matrix.example.org/", "access_token": "syt_secret"}


def settings(**further: object) -> MatrixSettings:
    return MatrixSettings.model_validate({**LEAST, **further})


def test_the_least_is_where_and_who() -> None:
    read = settings()

    assert read.homeserver == "https://matrix.example.org"
    assert read.invites == ("own",)
    assert "syt_secret" not in repr(read)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("homeserver", "http://matrix.example.org"),
        ("homeserver", "matrix.example.org"),
        ("access_token", ""),
        ("access_token", "two words"),
        ("access_token", "line\n"),
        ("invites", "a b"),
        ("invites", ["@ann"]),
        ("invites", 5),
        ("invites", [5]),
        ("password", "x"),
    ],
)
def test_what_cannot_work_is_refused_and_no_token_quoted(key: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(**{key: value})

    assert "syt_secret" not in str(refused.value)
    assert "two words" not in str(refused.value)


@pytest.mark.parametrize(
    ("invites", "admitted"),
    [
        (["own"], {"@ann:home.example"}),
        (["other.example:8448"], {"@cy:other.example:8448"}),
        (["@ben:far.example"], {"@ben:far.example"}),
        ("own, @ben:far.example", {"@ann:home.example", "@ben:far.example"}),
        (
            ["anyone"],
            {"@ann:home.example", "@ben:far.example", "@cy:other.example:8448", "@x:far.example"},
        ),
        ([], set()),
    ],
)
def test_invitations_are_followed_by_server_by_person_or_by_word(
    invites: object, admitted: set[str]
) -> None:
    inviters = ["@ann:home.example", "@ben:far.example", "@cy:other.example:8448", "@x:far.example"]
    read = settings(invites=invites)

    assert {one for one in inviters if read.admits(one, "home.example")} == admitted
