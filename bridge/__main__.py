"""`python -m bridge` does what `polyai-bridge` does."""

from bridge.cli import main

main()
