"""What does every adapter promise, topic by topic? `catalogue` has all of them in order."""
