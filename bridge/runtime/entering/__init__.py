"""How does what platforms tell us come in? Stored before it is acknowledged, within bounds."""
