"""What becomes of what comes in? Stored, acknowledged, and answered beside the thread."""
