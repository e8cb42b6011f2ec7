"""Rooms and threads of one Matrix account: any homeserver, over the client-server API."""

from adapters.matrix.connection import PLUGIN

__all__ = ["PLUGIN"]
