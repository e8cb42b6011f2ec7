"""Chat threads to PolyAI Messaging sessions, losing nothing and repeating nothing."""

__version__ = "0.1.0"
