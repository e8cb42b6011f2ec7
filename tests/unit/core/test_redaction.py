"""What is taken out of people's words, and what is left in them."""

import pytest

from bridge.core.redaction import BUILT_IN, in_order


def redacted(text: str, *names: str) -> str:
    """By these, or by all."""
    for name in in_order(names or BUILT_IN):
        text = BUILT_IN[name](text)
    return text


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("it is 4111 1111 1111 1111, thanks", "it is [card number], thanks"),
        ("378282246310005", "[card number]"),
        ("4111 1111 1111 1111 123", "[card number] 123"),
        ("2 4111-1111-1111-1111 12/27", "2 [card number] 12/27"),
        ("Visa-4111\u00a01111\u20111111 \u200b1111", "Visa-[card number]"),
        ("4111 1111 1111 1111 5500 0000 0000 0004", "[card number] [card number]"),
        ("\u0664\u0661\u0661\u0661 1111 1111 1111", "[card number]"),
        ("pay GB82 WEST 1234 5698 7654 32 today", "pay [account number] today"),
        ("DE89370400440532013000.", "[account number]."),
        ("AB12 DE89\u00a03704\u20600044 0532 0130 00", "AB12 [account number]"),
        ("ann.b+c@example.co.uk!", "[e-mail address]!"),
        ("änn@büro.example or ann@x.xn--p1ai", "[e-mail address] or [e-mail address]"),
        ("+44 20 7946 0958 or (020) 7946-0958", "[telephone number] or [telephone number]"),
        (
            "tel.030\u2011123\u00a04567, +\u00a049 30 123456",
            "tel.[telephone number], [telephone number]",
        ),
        ("IP:2001:db8::1: why", "IP:[IP address]: why"),
        ("from 192.0.2.7 and 2001:db8::1", "from [IP address] and [IP address]"),
        ("078-05-1120", "[social security number]"),
    ],
)
def test_what_is_known_by_its_form_is_taken_out(said: str, heard: str) -> None:
    assert redacted(said) == heard


@pytest.mark.parametrize(
    "said",
    [
        "order 4111111111111112",  # a wrong check digit
        "8888888888888888",  # a right one, and nobody has it
        "GB83WEST12345698765432",
        "on 2026-11-21 at 10:30, or 12/05/2024",
        "12345678",
        "2026-11-21 10:30",
        "std::abc",
        "version 1.2.3.4.5",
        "999.1.1.1",
        "me @ home",
    ],
)
def test_what_only_looks_a_little_like_it_stays(said: str) -> None:
    assert redacted(said) == said


def test_only_what_is_wanted_is_taken_out() -> None:
    assert redacted("4111 1111 1111 1111 ann@example.org", "email").startswith("4111")


def test_what_has_a_check_is_looked_for_first() -> None:
    assert in_order(["mine", "phone", "card"]) == ["card", "phone", "mine"]


@pytest.mark.parametrize(
    "piece", ["1 ", "a@", "DE89 ", "+", ":", "a.b", "0(", "1.1.", "GB82A1 ", "a:", "1\u200b"]
)
def test_no_text_takes_long(piece: str) -> None:
    """As many steps as it has characters, and not their square: else this would take minutes."""
    redacted(piece * (20_000 // len(piece)))
