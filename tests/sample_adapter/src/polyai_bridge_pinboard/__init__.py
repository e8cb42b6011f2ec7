"""A channel of the bridge: `type = "pinboard"` in its configuration."""

from polyai_bridge_pinboard.adapter import PLUGIN

__all__ = ["PLUGIN"]
