"""Which delivery does a message of ours show? Its mark, in the metadata or on its first block."""

from collections.abc import Mapping
from typing import Any

from adapters.slack import ids
from adapters.slack.identity import BotIdentity
from bridge.model.ids import DeliveryId


def ours(bot: BotIdentity, message: Mapping[str, Any]) -> bool:
    """Whether we wrote it, under whatever name."""
    by_bot = bool(bot.bot) and message.get("bot_id") == bot.bot
    return by_bot or message.get("user") == bot.user


def is_marked(message: Mapping[str, Any]) -> bool:
    """Whether it bears the mark of any delivery, though it be a damaged one."""
    return _metadata(message) is not None or _block(message) is not None


def delivery_of(message: Mapping[str, Any]) -> DeliveryId | None:
    """The delivery whose mark it bears; metadata counts before a block."""
    metadata = _metadata(message)
    if metadata is None:
        return _block(message)
    payload = metadata.get("event_payload")
    named = payload.get("delivery") if isinstance(payload, dict) else None
    return DeliveryId(named) if isinstance(named, str) and named else None


def _metadata(message: Mapping[str, Any]) -> dict[str, Any] | None:
    metadata = message.get("metadata")
    ours = isinstance(metadata, dict) and metadata.get("event_type") == ids.EVENT_TYPE
    return metadata if ours else None


def _block(message: Mapping[str, Any]) -> DeliveryId | None:
    blocks = message.get("blocks")
    for block in blocks if isinstance(blocks, list) else ():
        named = block.get("block_id") if isinstance(block, dict) else None
        if (delivery := ids.marked(named)) is not None:
            return delivery
    return None
