"""Slack: threads of one workspace, over Socket Mode and the Web API."""

import msgspec

from adapters.slack import limits
from adapters.slack.connection import connect
from adapters.slack.installs.manifest import manifest
from adapters.slack.installs.proving import prove
from adapters.slack.links import pointed
from adapters.slack.settings import SlackSettings
from bridge.plugin import Capabilities, Grade, Plugin

__all__ = ["PLUGIN"]


def _tuned(settings: SlackSettings, capabilities: Capabilities) -> Capabilities:
    """Messages grow as far as the settings let them."""
    grades = {"off": Grade.NONE, "edit": Grade.PARTIAL}
    grade = grades.get(settings.streaming, capabilities.streaming)
    return msgspec.structs.replace(capabilities, streaming=grade)


PLUGIN = Plugin(
    api_version=1,
    settings=SlackSettings,
    capabilities=Capabilities(
        formatting=Grade.FULL,
        suggestions=Grade.FULL,
        pictures=Grade.FULL,
        attachments=Grade.FULL,
        edits=Grade.FULL,
        authorship=Grade.PARTIAL,  # needs a scope, and cannot change after the post
        streaming=Grade.FULL,
        signals=Grade.PARTIAL,  # a status that Slack drops after two minutes
        text_limit=limits.SOURCE_TEXT,
        suggestion_limit=limits.OPTIONS,
    ),
    connect=connect,
    prove=prove,
    tuned=_tuned,
    documents={"manifest": manifest},
    keeps_secrets=lambda settings: settings.installs,
    pointed=pointed,
)
