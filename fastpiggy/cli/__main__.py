"""``python -m fastpiggy.cli`` is the command ``fastpiggy``."""

import sys

from fastpiggy.cli import main

if __name__ == "__main__":
    sys.exit(main())
