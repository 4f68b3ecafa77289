"""`python -m hpcmake`: the command line, where no console script is installed.

Owns nothing but this way in.  Knows nothing of what the command line means.
"""

import sys

from hpcmake.cli import main

if __name__ == "__main__":
    sys.exit(main())
