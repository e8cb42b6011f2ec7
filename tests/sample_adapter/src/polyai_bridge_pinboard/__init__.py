"""The pinboard as a channel of the bridge."""

from polyai_bridge_pinboard.adapter import PLUGIN

__all__ = ["PLUGIN"]
