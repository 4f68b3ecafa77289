"""The start of the node program: frees the standard descriptors, takes the first line, and serves until it may go.

Owns what is done once.  Knows nothing of tasks.
"""

import gc
import json
import os

from .loop import Node
from .task import encode, spell_as


def main() -> None:
    """Take the start message, and serve."""
    inlet, outlet = os.dup(0), os.dup(1)  # tasks get neither
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(inlet, 1)
        if not byte:
            return
        line += byte
    start = json.loads(line.decode())
    spell_as(start["encoding"])
    os.chdir(encode(start["root"]))
    node = Node(start, inlet, outlet)
    gc.disable()  # nothing here points back to what points to it
    try:
        node.run()
    finally:
        node.abandon()
