"""What does a link to a Matrix event point at? `https://matrix.to/#/!room:server/$event?via=…`.

Source: spec.matrix.org, appendices, "matrix.to navigation". Also `matrix:roomid/…/e/…` (its URIs).
"""

from urllib.parse import unquote, urlsplit

from bridge.plugin import Pointer


def pointed(link: str) -> Pointer | None:
    """What `link` points at; None if it is no link to an event of Matrix."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    if parts.hostname == "matrix.to":
        named = [unquote(one) for one in parts.fragment.partition("?")[0].strip("/").split("/")]
        event = next((one for one in named if one.startswith("$")), "")
    elif parts.scheme == "matrix":
        _, _, event = parts.path.partition("/e/")
        event = f"${unquote(event).lstrip('$')}" if event else ""
    else:
        return None
    return Pointer(identity=event, receipt=event) if event else None
