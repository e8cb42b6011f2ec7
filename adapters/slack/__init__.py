"""Slack: threads of one workspace, over Socket Mode and the Web API."""

from adapters.slack import limits
from adapters.slack.connection import connect, prove
from adapters.slack.settings import SlackSettings
from bridge.plugin import Capabilities, Grade, Plugin

__all__ = ["PLUGIN"]

PLUGIN = Plugin(
    settings=SlackSettings,
    capabilities=Capabilities(
        formatting=Grade.FULL,
        suggestions=Grade.FULL,
        pictures=Grade.FULL,
        authorship=Grade.PARTIAL,  # needs a scope, and cannot change after the post
        signals=Grade.PARTIAL,  # a status that Slack drops after two minutes
        text_limit=limits.SOURCE_TEXT,
        suggestion_limit=limits.OPTIONS,
    ),
    connect=connect,
    prove=prove,
)
