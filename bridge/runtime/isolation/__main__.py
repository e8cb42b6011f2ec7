"""`python -m bridge.runtime.isolation FD PARENT`: an adapter's process; the daemon starts it."""

import sys

from bridge.runtime.isolation.process import run

run(int(sys.argv[1]), int(sys.argv[2]))
