"""How are adapters served? Found, connected, called, lent what they need, and tried again."""
