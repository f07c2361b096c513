"""`python -m suitably`: the command line."""

import sys

from suitably.cli import main

if __name__ == "__main__":
    sys.exit(main())
