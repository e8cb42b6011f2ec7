"""What should happen? Pure functions on frozen values: no I/O, no clock, no chance, no log."""
