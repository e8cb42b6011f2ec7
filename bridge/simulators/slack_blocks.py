"""What may a message's blocks hold? Block Kit's limits, and the check that holds a post to them.

The numbers are Slack's (docs.slack.dev, reference/block-kit, and the constants in
`slack_sdk.models.blocks`). The wording imitates Slack's own: what is wrong, then where, as a JSON
pointer. Types that the table does not detail are checked by name and block id only.
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]

BLOCKS = 50
ID = 255
URL = 3000
TEXT = 3000
FIELDS = 10
FIELD_TEXT = 2000
HEADER_TEXT = 150
ACTIONS = 25
CONTEXT = 10
CONTEXT_ACTIONS = 5
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
CONFIRM = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
IMAGE_ALT = 2000
IMAGE_TITLE = 2000
OVERFLOW_OPTIONS = 5
SELECT_OPTIONS = 100
OPTION_TEXT = 75
OPTION_VALUE = 150
TABLE_ROWS = 100
TABLE_COLUMNS = 20
CAROUSEL_CARDS = 10
CONTAINER_BLOCKS = 10
#: Summed over all `markdown` blocks of a message: more is `msg_blocks_too_long`.
MARKDOWN = 12_000

#: Block types that may stand in a message and that we only know by name.
_UNDETAILED = frozenset(
    ("alert", "call", "card", "file", "input", "plan", "rich_text", "task_card", "video")
)
#: Interactive elements that we only know by name.
_UNDETAILED_ELEMENTS = frozenset(
    f"{kind}{suffix}"
    for suffix in ("_select",)
    for kind in ("users", "conversations", "channels", "external", "multi_users", "multi_static")
) | {
    "checkboxes",
    "datepicker",
    "datetimepicker",
    "feedback_buttons",
    "icon_button",
    "radio_buttons",
    "timepicker",
    "workflow_button",
}

Check = Callable[[Json, str], Iterator[str]]


def problems(blocks: object, *, most: int = BLOCKS, at: str = "/blocks") -> list[str]:
    """Everything that Slack would refuse in `blocks`; nothing if they are fine."""
    if not isinstance(blocks, list):
        return [_error("must provide an array", at)]
    return list(_blocks(blocks, at, most=most))


def markdown_length(blocks: list[Json]) -> int:
    """How many characters the `markdown` blocks hold together."""
    return sum(
        len(str(block.get("text", ""))) for block in blocks if block.get("type") == "markdown"
    )


def _error(what: str, at: str) -> str:
    return f"[ERROR] {what} [json-pointer:{at}]"


def _blocks(blocks: list[Any], at: str, *, most: int) -> Iterator[str]:
    if len(blocks) > most:
        yield _error(f"no more than {most} items allowed", at)
    places = [f"{at}/{index}" for index in range(len(blocks))]
    for block, here in zip(blocks, places, strict=True):
        yield from _block(block, here)
    yield from _ids(blocks, "block_id", places)


def _block(block: object, at: str) -> Iterator[str]:
    if not isinstance(block, dict):
        yield _error("must provide an object", at)
        return
    kind = None if block.get("type") is None else str(block["type"])
    if kind is None:
        yield _error("missing required field: type", at)
    elif kind in _CHECKS:
        yield from _CHECKS[kind](block, at)
    elif kind not in _UNDETAILED:
        yield _error(f"unsupported type: {kind}", f"{at}/type")


def _ids(items: list[Any], field: str, places: list[str]) -> Iterator[str]:
    """Ids that are given must be short, and each its own."""
    seen: set[object] = set()
    for item, at in zip(items, places, strict=True):
        if not isinstance(item, dict) or field not in item:
            continue
        yield from _length(item[field], f"{at}/{field}", most=ID)
        if str(item[field]) in seen:
            yield _error(f"`{field}` already exists", f"{at}/{field}")
        seen.add(str(item[field]))


def _length(value: object, at: str, *, most: int, least: int = 1) -> Iterator[str]:
    if not isinstance(value, str):
        yield _error("must be a string", at)
    elif len(value) < least:
        yield _error(f"must be more than {least - 1} characters", at)
    elif len(value) > most:
        yield _error(f"must be less than {most + 1} characters", at)


def _fields(item: Json, at: str, *, required: str = "", allowed: str = "") -> Iterator[str]:
    """Slack refuses what is missing and what it does not know."""
    for name in required.split():
        if name not in item:
            yield _error(f"missing required field: {name}", at)
    known = {"type", *required.split(), *allowed.split()}
    for name in item:
        if name not in known:
            yield _error(f"invalid additional property: {name}", at)


def _text(item: object, at: str, *, most: int, plain: bool = False) -> Iterator[str]:
    if not isinstance(item, dict):
        yield _error("must provide an object", at)
        return
    kind = str(item.get("type"))
    if kind not in ({"plain_text"} if plain else {"plain_text", "mrkdwn"}):
        yield _error(f"unsupported type: {kind}", f"{at}/type")
        return
    extra = "emoji" if kind == "plain_text" else "verbatim"
    yield from _fields(item, at, required="text", allowed=extra)
    if "text" in item:
        yield from _length(item["text"], f"{at}/text", most=most)


def _address(value: object, at: str) -> Iterator[str]:
    yield from _length(value, at, most=URL)
    if isinstance(value, str) and not _is_web_address(value):
        yield _error("invalid url", at)


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in value


def _section(block: Json, at: str) -> Iterator[str]:
    yield from _fields(block, at, allowed="text fields accessory block_id expand")
    if "text" not in block and "fields" not in block:
        yield _error("missing required field: text", at)
    if "text" in block:
        yield from _text(block["text"], f"{at}/text", most=TEXT)
    fields = block.get("fields", [])
    yield from _count(fields, f"{at}/fields", most=FIELDS)
    for index, field in enumerate(_listed(fields)):
        yield from _text(field, f"{at}/fields/{index}", most=FIELD_TEXT)
    if "accessory" in block:
        yield from _element(block["accessory"], f"{at}/accessory", also=("image",))
        yield from _ids([block["accessory"]], "action_id", [f"{at}/accessory"])


def _header(block: Json, at: str) -> Iterator[str]:
    yield from _fields(block, at, required="text", allowed="block_id level")
    if "text" in block:
        yield from _text(block["text"], f"{at}/text", most=HEADER_TEXT, plain=True)


def _divider(block: Json, at: str) -> Iterator[str]:
    yield from _fields(block, at, allowed="block_id")


def _markdown(block: Json, at: str) -> Iterator[str]:
    yield from _fields(block, at, required="text", allowed="block_id")
    if "text" in block:
        # Too long a text has its own error, for the sum over the message.
        yield from _length(block["text"], f"{at}/text", most=10 * MARKDOWN)


def _image(block: Json, at: str) -> Iterator[str]:
    allowed = "image_url slack_file title block_id image_width image_height image_bytes is_animated"
    yield from _fields(block, at, required="alt_text", allowed=allowed)
    if ("image_url" in block) == ("slack_file" in block):
        yield _error("must provide either image_url or slack_file", at)
    if "image_url" in block:
        yield from _address(block["image_url"], f"{at}/image_url")
    if "alt_text" in block:
        yield from _length(block["alt_text"], f"{at}/alt_text", most=IMAGE_ALT, least=0)
    if "title" in block:
        yield from _text(block["title"], f"{at}/title", most=IMAGE_TITLE, plain=True)


def _actions(block: Json, at: str) -> Iterator[str]:
    yield from _fields(block, at, required="elements", allowed="block_id")
    yield from _elements(block, at, most=ACTIONS)


def _context_actions(block: Json, at: str) -> Iterator[str]:
    yield from _fields(block, at, required="elements", allowed="block_id")
    yield from _elements(block, at, most=CONTEXT_ACTIONS)


def _elements(block: Json, at: str, *, most: int) -> Iterator[str]:
    yield from _count(block.get("elements", []), f"{at}/elements", most=most, least=1)
    elements = _listed(block.get("elements"))
    places = [f"{at}/elements/{index}" for index in range(len(elements))]
    for element, here in zip(elements, places, strict=True):
        yield from _element(element, here)
    yield from _ids(elements, "action_id", places)


def _context(block: Json, at: str) -> Iterator[str]:
    yield from _fields(block, at, required="elements", allowed="block_id")
    elements = block.get("elements", [])
    yield from _count(elements, f"{at}/elements", most=CONTEXT, least=1)
    for index, element in enumerate(_listed(elements)):
        here = f"{at}/elements/{index}"
        if isinstance(element, dict) and element.get("type") == "image":
            yield from _image(element, here)
        else:
            yield from _text(element, here, most=TEXT)


def _table(block: Json, at: str) -> Iterator[str]:
    yield from _fields(block, at, required="rows", allowed="block_id column_settings")
    rows = block.get("rows", [])
    yield from _count(rows, f"{at}/rows", most=TABLE_ROWS, least=1)
    for index, row in enumerate(_listed(rows)):
        yield from _count(row, f"{at}/rows/{index}", most=TABLE_COLUMNS, least=1)


def _carousel(block: Json, at: str) -> Iterator[str]:
    yield from _count(block.get("elements", []), f"{at}/elements", most=CAROUSEL_CARDS, least=1)


def _container(block: Json, at: str) -> Iterator[str]:
    inner = block.get("blocks", block.get("elements", []))
    if isinstance(inner, list):
        yield from _blocks(inner, f"{at}/blocks", most=CONTAINER_BLOCKS)


def _count(items: object, at: str, *, most: int, least: int = 0) -> Iterator[str]:
    if not isinstance(items, list):
        yield _error("must provide an array", at)
    elif len(items) > most:
        yield _error(f"no more than {most} items allowed", at)
    elif len(items) < least:
        yield _error(f"no fewer than {least} items allowed", at)


def _listed(items: object) -> list[Any]:
    """The items of what should be a list; that it is one, `_count` sees to."""
    return items if isinstance(items, list) else []


def _element(element: object, at: str, *, also: tuple[str, ...] = ()) -> Iterator[str]:
    if not isinstance(element, dict):
        yield _error("must provide an object", at)
        return
    kind = str(element.get("type"))
    if kind == "image" and "image" in also:
        yield from _image(element, at)
    elif kind == "button":
        yield from _button(element, at)
    elif kind == "overflow":
        yield from _options(element, at, most=OVERFLOW_OPTIONS)
    elif kind == "static_select":
        yield from _options(element, at, most=SELECT_OPTIONS)
    elif kind not in _UNDETAILED_ELEMENTS:
        yield _error(f"unsupported type: {kind}", f"{at}/type")


def _button(button: Json, at: str) -> Iterator[str]:
    allowed = "action_id value url style confirm accessibility_label"
    yield from _fields(button, at, required="text", allowed=allowed)
    if "text" in button:
        yield from _text(button["text"], f"{at}/text", most=BUTTON_TEXT, plain=True)
    if "value" in button:
        yield from _length(button["value"], f"{at}/value", most=BUTTON_VALUE)
    if "url" in button:
        yield from _address(button["url"], f"{at}/url")
    if button.get("style", "primary") not in ("primary", "danger"):
        yield _error("must be one of: primary, danger", f"{at}/style")
    if "confirm" in button:
        yield from _confirm(button["confirm"], f"{at}/confirm")


def _confirm(dialog: object, at: str) -> Iterator[str]:
    """What asks once more (reference/block-kit/composition-objects/confirmation-dialog-object)."""
    if not isinstance(dialog, dict):
        yield _error("must provide an object", at)
        return
    yield from _fields(dialog, at, required="title text confirm deny", allowed="style")
    for name, most in CONFIRM.items():
        if name in dialog:
            yield from _text(dialog[name], f"{at}/{name}", most=most, plain=name != "text")


def _options(element: Json, at: str, *, most: int) -> Iterator[str]:
    options = element.get("options", [])
    yield from _count(options, f"{at}/options", most=most, least=1)
    for index, option in enumerate(_listed(options)):
        here = f"{at}/options/{index}"
        said = option if isinstance(option, dict) else {}
        yield from _text(said.get("text"), f"{here}/text", most=OPTION_TEXT)
        yield from _length(said.get("value"), f"{here}/value", most=OPTION_VALUE)


_CHECKS: dict[str, Check] = {
    "actions": _actions,
    "carousel": _carousel,
    "container": _container,
    "context": _context,
    "context_actions": _context_actions,
    "divider": _divider,
    "header": _header,
    "image": _image,
    "markdown": _markdown,
    "section": _section,
    "table": _table,
}
