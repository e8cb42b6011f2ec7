"""How does Slack reach us? Sockets or requests, and whether we hear everything."""
