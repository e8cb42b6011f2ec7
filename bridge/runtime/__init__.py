"""When does it run? The only room with tasks and loops."""
