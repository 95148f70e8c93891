"""Put the backends side by side: do they compute the same, and how long does each take.

python compare.py [CONTENT STYLE]              agreement, timings and pictures, into report/
python compare.py losses CONTENT STYLE IMAGE   every loss term of a picture, by the oracle and each backend
python compare.py gallery [CONTENT STYLE]      every recipe on every backend, as one picture
python compare.py recipes                      the recipes, with their sources and deviations
"""

import sys

from common.comparison.commands import main

if __name__ == "__main__":
    sys.exit(main())
