"""What may an operator write, and may a real deployment be weakened?"""

from typing import Any

import pytest
from pydantic import ValidationError

from adapters.teams.services import Services, activities, trusted
from adapters.teams.settings import TeamsSettings
from bridge.errors import DatabaseFailed, RetryLater
from bridge.testing.host import PlayedMemory

REAL = {"app_id": "an-app", "tenant": "contoso.example", "app_password": "hush"}
EMULATOR = "http://127.0.0.1:56150/_connector"


def read(**keys: Any) -> TeamsSettings:  # noqa: ANN401 - as TOML gives them
    return TeamsSettings.model_validate(keys)


def test_an_app_needs_its_id_its_tenant_and_its_secret_which_nobody_sees() -> None:
    assert "hush" not in f"{read(**REAL)!r} {read(**REAL)}"
    for key in REAL:
        with pytest.raises(ValidationError, match=r"missing|required"):
            read(**{**REAL, key: " "})


@pytest.mark.parametrize(
    "keys",
    [
        {"emulator": EMULATOR, "app_password": "hush"},
        {"emulator": "https://emulator.example/"},
        {"emulator": "http://192.0.2.1:56150/"},
        {**REAL, "login_url": "http://login.example"},
        {**REAL, "openid_url": "http://keys.example"},
        {**REAL, "service_hosts": ["https://smba.trafficmanager.net"]},
        {**REAL, "service_hosts": ["a.example/x"]},
        {**REAL, "service_hosts": [""]},
        {**REAL, "unknown": 1},
    ],
)
def test_what_would_weaken_a_real_deployment_is_refused(keys: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as raised:
        read(**keys)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "real", "played", "emulated"),
    [
        ("https://smba.trafficmanager.net/emea/", True, True, False),
        ("https://smba.trafficmanager.net.evil.example/", False, False, False),
        ("https://evil.example/smba.trafficmanager.net", False, False, False),
        ("http://smba.trafficmanager.net/emea/", False, False, False),
        ("https://user@smba.trafficmanager.net/", False, False, False),
        ("https://smba.trafficmanager.net/?x=1", False, False, False),
        ("https://smba.trafficmanager.net/" + "x" * 600, False, False, False),
        ("http://127.0.0.1:9/", False, True, False),
        ("http://localhost:56150/_connector", False, True, True),
        ("http://localhost:56150/_connector/", False, True, True),
        ("", False, False, False),
    ],
)
def test_where_a_token_may_go(address: str, real: bool, played: bool, emulated: bool) -> None:
    assert trusted(address, read(**REAL)) is real
    assert trusted(address, read(**REAL, login_url="http://127.0.0.1:1")) is played
    assert trusted(address, read(emulator=EMULATOR)) is emulated


async def test_where_conversations_are_served_is_kept_once_for_each_place() -> None:
    memory = PlayedMemory()
    services = Services(memory, read(**REAL))

    for address in ("https://smba.trafficmanager.net/emea/", "https://smba.trafficmanager.net/in/"):
        await services.learn("19:c;messageid=1", address)
        await services.learn("19:c;messageid=2", address)

    assert await services.of("19:c;messageid=3") == "https://smba.trafficmanager.net/in"
    assert memory.kept == {"service/19:c": "https://smba.trafficmanager.net/in/"}


async def test_a_memory_that_fails_leaves_no_doubt() -> None:
    class Failing(PlayedMemory):
        async def recall(self, key: str) -> str | None:
            raise DatabaseFailed(key)

    with pytest.raises(RetryLater):
        await Services(Failing(), read(**REAL)).of("a:1")


def test_names_of_teams_are_safe_in_an_address() -> None:
    assert activities("https://s.example/x", "19:a@t/../v;messageid=1", "1/2?") == (
        "https://s.example/x/v3/conversations/19%3Aa%40t%2F..%2Fv%3Bmessageid%3D1/activities/1%2F2%3F"
    )
