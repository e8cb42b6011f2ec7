"""What is taken out of people's words before an agent gets them? Pure, and quick for any text.

Each pattern knows as much as its numbers tell: a card has its check digit (Luhn, ISO/IEC 7812-1),
an IBAN its own (ISO 13616, modulo 97), so an order number is no card. Telephone numbers have no
check: what is written like one counts.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

#: Takes something out of a text; pure, and raises whatever it likes.
Redactor = Callable[[str], str]

_CARD: Final = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
_IBAN: Final = re.compile(r"(?<!\w)[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}(?!\w)")
#: RFC 5321's lengths bound what is tried: 64 before the @, and labels of 63 after it.
_EMAIL: Final = re.compile(
    r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])"
)
_PHONE: Final = re.compile(r"(?<![\w.])(?:\+|00)?\(?\d(?:[ ()/.-]{0,2}\d){6,14}(?![\w])")
_IPV4: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6: Final = re.compile(r"(?<![\w:])[0-9A-Fa-f:]{2,39}(?![\w:])")
_SSN: Final = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
#: An international number, or one that is written as a number to call: in groups, or with a 0.
_CALLED: Final = re.compile(r"\+|00|0\d|.*\d[ ()/.-]+\d", re.DOTALL)
_DATE: Final = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")


def card(text: str) -> str:
    """Numbers of payment cards."""
    return _CARD.sub(lambda found: "[card number]" if _luhn(found[0]) else found[0], text)


def iban(text: str) -> str:
    """International bank account numbers; of what is written behind one, no word is taken."""
    return _IBAN.sub(_without_iban, text)


def email(text: str) -> str:
    """Addresses of e-mail."""
    return _EMAIL.sub("[e-mail address]", text)


def phone(text: str) -> str:
    """Telephone numbers, as people write them; a date is none."""

    def taken(found: re.Match[str]) -> str:
        number = found[0]
        called = _CALLED.match(number) and not _DATE.fullmatch(number)
        return "[telephone number]" if called else number

    return _PHONE.sub(taken, text)


def ip(text: str) -> str:
    """IP addresses, of both versions."""
    return _IPV6.sub(_without_address, _IPV4.sub(_without_address, text))


def us_ssn(text: str) -> str:
    """Social security numbers of the United States, written with hyphens."""
    return _SSN.sub("[social security number]", text)


#: By the names that the configuration uses. The order is that in which they are applied: what is
#: long and has a check comes first, so that no telephone number is found inside it.
BUILT_IN: Final[Mapping[str, Redactor]] = {
    "iban": iban,
    "card": card,
    "us_ssn": us_ssn,
    "email": email,
    "ip": ip,
    "phone": phone,
}


def in_order(names: Iterable[str]) -> list[str]:
    """The same names, the built-in ones in their order, then all others as given."""
    wanted = list(dict.fromkeys(names))
    ours = [name for name in BUILT_IN if name in wanted]
    return [*ours, *(name for name in wanted if name not in BUILT_IN)]


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number) if digit.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return len(set(digits)) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _without_iban(found: re.Match[str]) -> str:
    """As much as is one, from its beginning: a number may be followed by words."""
    text = found[0]
    for end in range(len(text), 14, -1):
        if (end == len(text) or not text[end].isalnum()) and _mod97(text[:end]):
            return "[account number]" + text[end:]
    return text


def _mod97(text: str) -> bool:
    number = text.replace(" ", "").upper()
    moved = number[4:] + number[:4]
    return 15 <= len(number) <= 34 and int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def _without_address(found: re.Match[str]) -> str:
    try:
        address = ipaddress.ip_address(found[0])
    except ValueError:
        return found[0]
    # "::" alone and the like are more often two colons than an address.
    return found[0] if address.version == 6 and len(found[0]) < 3 else "[IP address]"
