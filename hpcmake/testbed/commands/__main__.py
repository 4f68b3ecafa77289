"""Starts an emulated command: this folder becomes the package `commands`, whatever lies around it.

Owns where the commands are found.  Knows nothing of what they do.
"""

import importlib
import os
import sys

if __name__ == "__main__":
    place = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, os.path.dirname(place))
    start = importlib.import_module(os.path.basename(place) + ".start")
    del sys.path[0]  # the neighbours of this folder are not for import
    sys.exit(start.main(sys.argv[1], sys.argv[2], sys.argv[3:]))
