"""What may be logged of Slack? Constant messages with fields; never text, tokens or tickets.

The SDK and Bolt write whole payloads at DEBUG, and addresses that hold a connection's ticket inside
the text of errors. They get a logger that starts at WARNING and passes on only where and what.
"""

import logging

from bridge.plugin.telling import outage, repeated, secret_shape

outage("slack.sockets_missing", "slack.sockets_complete")
outage("slack.sockets_shared", "slack.sockets_our_own")
outage("slack.deaf", "slack.hears_again")
repeated("slack.command_not_served")
repeated("slack.frame_unreadable")
repeated("slack.not_stored")
repeated("slack.slowed_down", "team", "method")
repeated("slack.socket_silent")
repeated("slack.surprise", "error")
repeated("slack.thread_not_read")
repeated("slack.token_not_renewed", "team")
repeated("slack.token_not_stored", "key")
# Whoever has one of these addresses may write there (docs.slack.dev: keep them secret).
secret_shape("hooks.slack", r"(\bhooks\.slack(?:-gov)?\.com/)(?!\[secret)[^\s\"'<>)\]}\\,]+")

LOG = logging.getLogger("polyai_bridge.adapters.slack")


def sdk_log() -> logging.Logger:
    """The logger lent to the SDK and to Bolt, which copy its level and its filter."""
    for name in ("slack_sdk", "slack_bolt"):
        _hushed(logging.getLogger(name))
    return _hushed(LOG.getChild("sdk"))


def _hushed(log: logging.Logger) -> logging.Logger:
    # The SDK looks at `level` itself: one that is merely inherited would count as DEBUG.
    log.setLevel(max(log.level, logging.WARNING))
    log.addFilter(_without_words)
    return log


def _without_words(record: logging.LogRecord) -> bool:
    """Let pass that something happened, where, and as which type of error."""
    if record.msg != _SAID:
        kind = record.exc_info[0] if record.exc_info else None
        record.__dict__.update(where=record.funcName, error=kind.__name__ if kind else None)
        record.msg, record.args, record.exc_info, record.exc_text = _SAID, None, None, None
    return True


_SAID = "slack.sdk_trouble"
