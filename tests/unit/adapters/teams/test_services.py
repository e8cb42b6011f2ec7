"""May our token go there? And where does an odd name lead?"""

import pytest

from adapters.teams.services import activities, trusted
from adapters.teams.settings import TeamsSettings

GIVEN = {"app_id": "app", "tenant": "tenant", "app_password": "secret"}
SETTINGS = TeamsSettings.model_validate(GIVEN)
PLAYED = TeamsSettings.model_validate({**GIVEN, "login_url": "http://127.0.0.1:1/"})
TEAMS = "smba.trafficmanager.net"


@pytest.mark.parametrize("address", [f"https://{TEAMS}/emea/", f"https://{TEAMS.upper()}"])
def test_it_goes_to_the_hosts_that_are_configured(address: str) -> None:
    assert trusted(address, SETTINGS)


@pytest.mark.parametrize(
    "address",
    [
        "",
        f"http://{TEAMS}/",
        f"https://{TEAMS}.evil.example/",
        f"https://evil-{TEAMS}/",
        f"https://evil.example/{TEAMS}/",
        f"https://{TEAMS}@evil.example/",
        f"https://evil.example#@{TEAMS}/",
        f"https://evil.example\\@{TEAMS}/",
        f"https://user@{TEAMS}/",
        f"https://{TEAMS}./",
        f"https://{TEAMS}%2eevil.example/",
        f"https://{TEAMS}\n.evil.example/",
        f"https://smb\u0430.{TEAMS.partition('.')[2]}/",
        f"https://{TEAMS}:port/",
        f"https://{TEAMS}/?to=evil.example",
        f"//{TEAMS}/",
        f"file://{TEAMS}/",
        f"https://{TEAMS}/{'x' * 600}",
        "https://127.0.0.1/",
        "http://localhost:8080/",
        "http://[::1]/",
    ],
)
def test_and_to_nobody_who_looks_like_one(address: str) -> None:
    assert not trusted(address, SETTINGS)


def test_this_machine_is_one_only_where_the_login_is_played_on_it() -> None:
    assert trusted("http://127.0.0.1:1/emea", PLAYED)
    assert trusted("http://[::1]:1/emea", PLAYED)
    assert not trusted("http://10.0.0.1:1/emea", PLAYED)


@pytest.mark.parametrize(
    "name", ["a/../b", "a?b=c", "a#b", "a%2F..", "a\\b", "a b", "19:x@thread.tacv2;messageid=1"]
)
def test_a_name_stays_one_part_of_an_address(name: str) -> None:
    address = activities("https://s.example/emea", name, name)

    before, _, rest = address.partition("/v3/conversations/")
    assert before == "https://s.example/emea"
    assert len(rest.split("/")) == 3
    assert not set(rest) & set("?#\\ ")
