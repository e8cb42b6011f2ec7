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

#: Blanks and hyphens of all kinds, and the marks without width that come along with what is copied
#: from a page: who sees a number does not see them as part of it.
_BLANK: Final = (
    r" \t\u00a0\u00ad\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u2066-\u2069\u3000\ufeff"
)
_HYPHEN: Final = r"\u2010-\u2015\u2212\ufe58\ufe63\uff0d-"
_GAP: Final = f"[{_BLANK}{_HYPHEN}]"
_CALLING: Final = f"[()/.{_BLANK}{_HYPHEN}]"  #: what stands within a telephone number
_SHORTEST_CARD, _LONGEST_CARD = 13, 19  #: in digits
_TWICE: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  #: twice a digit, the sum of its digits
#: Digits in groups, however many. Which of the groups are a card is tried.
_NUMBER: Final = re.compile(rf"(?<!\w)(?<!\d\.)\d(?:{_GAP}{{0,3}}\d){{12,}}(?!\w)")
_GROUP: Final = re.compile(r"\d+")
_IBAN: Final = re.compile(
    rf"(?<!\w)(?=([A-Za-z]{{2}}{_GAP}?\d\d(?:{_GAP}{{0,2}}[A-Za-z0-9]){{11,30}})(?!\w))"
)
#: RFC 5321's lengths bound what is tried: 64 before the @, and labels of 63 after it; letters are
#: those of all scripts (RFC 6531).
_EMAIL: Final = re.compile(
    r"(?<![\w.+%-])[\w.+%-]{1,64}[@\uff20](?:[\w-]{1,63}\.){1,8}"
    r"(?:xn--[\w-]{1,59}|[^\W\d_]{2,24})(?![\w-])"
)
_PHONE: Final = re.compile(
    rf"(?<!\w)(?<!\d\.)(?:[+\uff0b]{_GAP}?|00)?\(?\d(?:{_CALLING}{{0,3}}\d){{6,14}}(?!\w)"
)
_IPV4: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
#: At the beginning of a word, or behind one with a colon, such as "IP:"; one may follow it, too.
_IPV6: Final = re.compile(r"(?:(?<![\w:])|(?<=\w:))[0-9A-Fa-f:]{2,40}(?![\w:])")
_SSN: Final = re.compile(
    rf"(?<![\w-])(?!000|666|9)\d{{3}}[{_HYPHEN}](?!00)\d{{2}}[{_HYPHEN}](?!0000)\d{{4}}(?![\w-])"
)
#: An international number, or one that is written as a number to call: in groups, or with a 0.
_CALLED: Final = re.compile(rf"[+\uff0b]|00|0\d|.*\d{_CALLING}+\d", re.DOTALL)
#: A day, and perhaps the hour.
_DATE: Final = re.compile(
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?: +\d{1,2})?"
)


def card(text: str) -> str:
    """Numbers of payment cards, also among other numbers: a date or a security code beside them."""
    return _NUMBER.sub(lambda found: _without_cards(found[0]), text)


def iban(text: str) -> str:
    """International bank account numbers; of what is written behind one, no word is taken."""
    kept, done = [], 0
    for found in _IBAN.finditer(text):
        length = _iban_in(found[1]) if found.start() >= done else 0
        if length:
            kept += [text[done : found.start()], "[account number]"]
            done = found.start() + length
    return "".join(kept) + text[done:]


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


def _without_cards(number: str) -> str:
    """Of the groups from each on, the most that are a card."""
    groups = [found.span() for found in _GROUP.finditer(number)]
    kept, done = [], 0
    for index, (start, _) in enumerate(groups):
        if start < done:
            continue
        digits, most = "", 0
        for first, end in groups[index:]:
            digits += number[first:end]
            if len(digits) > _LONGEST_CARD:
                break
            if len(digits) >= _SHORTEST_CARD and _luhn(digits):
                most = end
        if most:
            kept += [number[done:start], "[card number]"]
            done = most
    return "".join(kept) + number[done:]


def _luhn(number: str) -> bool:
    if len(set(number)) < 2:
        return False  # nobody has it
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[::2]) + sum(_TWICE[digit] for digit in digits[1::2])) % 10 == 0


def _iban_in(text: str) -> int:
    """How much of it is one, from its beginning: a number may be followed by words."""
    for end in range(len(text), 14, -1):
        whole = end == len(text) or not (text[end].isalnum() and text[end - 1].isalnum())
        if whole and text[end - 1].isalnum() and _mod97(text[:end]):
            return end
    return 0


def _mod97(text: str) -> bool:
    number = "".join(filter(str.isalnum, text)).upper()
    moved = number[4:] + number[:4]
    return 15 <= len(number) <= 34 and int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def _without_address(found: re.Match[str]) -> str:
    told = found[0]
    colon = ":" if told.endswith(":") and not told.endswith("::") else ""
    try:
        address = ipaddress.ip_address(told.removesuffix(colon))
    except ValueError:
        return told
    # "::" alone and the like are more often two colons than an address.
    return told if address.version == 6 and len(told) < 3 else f"[IP address]{colon}"
