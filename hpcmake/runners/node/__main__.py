"""Starts the node as a program: this folder becomes the package `node`, whatever lies around it.

Owns where the program is found.  Knows nothing of what it does.
"""

import importlib
import os
import sys

if __name__ == "__main__":
    place = os.path.dirname(os.path.abspath(__file__))
    sys.path[0] = os.path.dirname(place)
    serve = importlib.import_module(os.path.basename(place) + ".serve")
    del sys.path[0]  # the neighbours of this folder are not for import
    sys.exit(serve.main())
