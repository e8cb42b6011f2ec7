"""How do we pretend? A clock wound by hand, a conversation driven by hand, a rehearsed world."""
