"""Whose keys are believed."""

from typing import Any

import pytest
import vodozemac

from adapters.matrix.encryption.signing import Device, device_in, one_time_key_in, signed

ANN = "@ann:example.org"


def described(account: vodozemac.Account) -> dict[str, Any]:
    keys = {
        "curve25519:D": account.curve25519_key.to_base64(),
        "ed25519:D": account.ed25519_key.to_base64(),
    }
    return signed(account, ANN, "D", {"user_id": ANN, "device_id": "D", "keys": keys})


def test_a_device_is_who_signs_for_itself() -> None:
    account = vodozemac.Account()
    told = described(account) | {"unsigned": {"device_display_name": "phone"}}

    assert device_in(ANN, "D", told) == Device(
        ANN, "D", account.curve25519_key.to_base64(), account.ed25519_key.to_base64()
    )


@pytest.mark.parametrize(
    "change",
    [
        {"user_id": "@bob:example.org"},
        {"device_id": "E"},
        {"keys": {}},
        {"keys": None},
        {"signatures": {}},
        {"signatures": {ANN: {"ed25519:D": "nonsense"}}},
        {"algorithms": ["m.more"]},
    ],
)
def test_whatever_was_changed_is_no_device(change: dict[str, Any]) -> None:
    assert device_in(ANN, "D", described(vodozemac.Account()) | change) is None


def test_a_key_is_claimed_only_of_the_device_that_made_it() -> None:
    account, other = vodozemac.Account(), vodozemac.Account()
    device = device_in(ANN, "D", described(account))
    assert device is not None
    ours = {"signed_curve25519:A": signed(account, ANN, "D", {"key": "x"})}
    forged = {"signed_curve25519:A": signed(other, ANN, "D", {"key": "x"})}

    assert one_time_key_in(ours, device) == "x"
    assert one_time_key_in(forged, device) is None
    assert one_time_key_in({"curve25519:A": "x"}, device) is None
    assert one_time_key_in(None, device) is None
