"""Put the backends side by side: do they compute the same, and how long does each take.

`python compare.py --help` lists what it can do.
"""

import sys

from common.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
