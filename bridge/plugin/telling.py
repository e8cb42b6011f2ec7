"""What should the log know of an adapter's lines? What of them is one outage, and what is secret.

An adapter logs through the standard library, as `polyai_bridge.…`. It declares when it is imported:

    outage("post.closed", "post.open")    # each is logged once, its end with how long it lasted
    repeated("post.not_stored")           # comes again and again meanwhile: once, and its last one
    secret_shape("hooks.post", r"(\\bhooks\\.post\\.example/)\\S+")   # masked, but for group 1
"""

from bridge.log.outages import Pair, declare, declare_repeated
from bridge.log.redaction import declare_shape


def outage(begins: str, ends: str, *by: str) -> None:
    """These events begin and end an outage; `by`: the fields that tell one from another."""
    declare(Pair(begins, ends, ("adapter", *by)))


def repeated(event: str, *by: str) -> None:
    """This event comes over and over while something is away; `by` as above."""
    declare_repeated(event, ("adapter", *by))


def secret_shape(holds: str, pattern: str) -> None:
    """Whatever matches is a secret, in any line that holds `holds` (small letters).

    Group 1 of the pattern stays; it must not match what is masked already (`[secret]`).
    """
    declare_shape(holds, pattern)
