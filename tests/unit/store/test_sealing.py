"""Tokens at rest: whoever lacks the secret has nothing."""

import pytest

from bridge.store import Sealer

SALT = "00112233445566778899aabbccddeeff"


@pytest.mark.parametrize("token", ["", "t0k.en", "ü💬", "x" * 10_000])
def test_a_seal_opens_again_with_the_same_secret_and_salt(token: str) -> None:
    sealed = Sealer("secret", SALT).seal(token)

    assert Sealer("secret", SALT).unseal(sealed) == token
    assert not token or token not in sealed


def test_another_secret_or_another_salt_opens_nothing() -> None:
    sealed = Sealer("secret", SALT).seal("token")

    assert Sealer("Secret", SALT).unseal(sealed) is None
    assert Sealer("secret", SALT[::-1]).unseal(sealed) is None


def test_an_altered_seal_opens_nothing() -> None:
    sealer = Sealer("secret", SALT)
    sealed = sealer.seal("token")
    altered = [
        sealed[:n] + ("A" if sealed[n] != "A" else "B") + sealed[n + 1 :] for n in range(20, 60)
    ]

    assert {sealer.unseal(one) for one in altered} == {None}
    assert [sealer.unseal(one) for one in ("", "x", sealed[:-4], "é" * 40)] == [None] * 4


def test_two_seals_of_one_token_differ() -> None:
    sealer = Sealer("secret", SALT)

    assert sealer.seal("token") != sealer.seal("token")


def test_a_sealer_does_not_show_its_secret() -> None:
    assert "secret" not in repr(vars(Sealer("secret", SALT)))
