"""Webhook: any system that speaks HTTP, by signed JSON in and signed callbacks out."""

import msgspec

from adapters.webhook.adapter import connect, prove
from adapters.webhook.openapi import openapi
from adapters.webhook.settings import WebhookSettings
from bridge.plugin import Capabilities, Grade, Plugin

__all__ = ["PLUGIN"]


def _tuned(settings: WebhookSettings, capabilities: Capabilities) -> Capabilities:
    """A system shows what its operator says it does, and nothing else."""
    shown = dict.fromkeys(settings.show, Grade.FULL)
    suggestions = settings.suggestion_limit if "suggestions" in shown else 0
    return msgspec.structs.replace(
        capabilities, **shown, text_limit=settings.text_limit, suggestion_limit=suggestions
    )


PLUGIN = Plugin(
    api_version=1,
    settings=WebhookSettings,
    capabilities=Capabilities(),
    connect=connect,
    prove=prove,
    tuned=_tuned,
    documents={"openapi": openapi},
)
