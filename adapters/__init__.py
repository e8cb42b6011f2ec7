"""The adapters that ship with the bridge; each is found by its entry point, like anyone's."""
