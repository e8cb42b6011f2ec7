"""How does what we owe reach a thread? In order, once, and written down."""
