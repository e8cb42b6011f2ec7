"""What may a message do without? What Slack refused to lay out is shown more plainly, once."""

from dataclasses import replace

from adapters.slack.limits import SECTION_TEXT
from adapters.slack.rendering.markup import shortened
from adapters.slack.to_slack import Features, SlackMessage
from adapters.slack.web.answers import PLAINER, Refusal

CUSTOMIZE = "chat:write.customize"

#: Refusals of what Slack was to fetch or lay out; without a picture it may still do.
_LAYOUT = {"invalid_attachments", "invalid_blocks", "invalid_blocks_format"}
_NAMES = {"invalid_username", "reserved_username"}
_METADATA = {"invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large"}
_TOO_LONG = {"msg_blocks_too_long", "msg_too_long"}


def spared(refusal: Refusal, message: SlackMessage, features: Features) -> Features | None:
    """The features without the one that was refused, or None if that was not the reason."""
    if message.username and (refusal.code in _NAMES or unscoped(refusal)):
        return replace(features, authorship=False)
    if message.pictured and refusal.code in _LAYOUT and features.pictures:
        return replace(features, pictures=False)
    return None


def unscoped(refusal: Refusal) -> bool:
    """Whether it may be the name of another author that was not permitted."""
    return refusal.code == "missing_scope" and refusal.needed in {"", CUSTOMIZE}


def plainly(refusal: Refusal, message: SlackMessage) -> SlackMessage | None:
    """The same words with nothing around them, or None where that would change nothing.

    The delivery's mark stands twice, in the metadata and on the first block: one of them stays.
    """
    if refusal.code in _METADATA and message.blocks:
        return replace(message, metadata=None)
    if refusal.code in PLAINER and message.blocks:
        text = shortened(message.text, SECTION_TEXT) if refusal.code in _TOO_LONG else message.text
        return replace(message, text=text, blocks=(), username=None, icon_url=None)
    return None
