"""The start of the node program: frees the standard descriptors, takes the first line, and serves until it may go.

Owns what is done once.  Knows nothing of tasks.
"""

import gc
import os
import sys

from .inlets import Mailbox, Pipe
from .loop import Node
from .scratch import make_scratch, remove_scratch
from .task import encode, spell_as

UNUSABLE = 3  # the status of a program that could not do its work, and has tried no task


def main() -> int:
    """Take the start message, and serve; return the exit status."""
    inlet = Mailbox(os.path.abspath(sys.argv[1])) if len(sys.argv) > 1 else Pipe(os.dup(0))
    outlet = os.dup(1)  # tasks get neither
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    try:
        start = inlet.await_start()
    except ValueError as error:
        return complain(f"the first line is not understood: {error}")
    if start is None:
        return complain(f"no work in {inlet.path}") if isinstance(inlet, Mailbox) else 0
    spell_as(start["encoding"])
    scratch = trouble = ""
    try:
        os.chdir(encode(start["root"]))
        scratch = make_scratch()
    except OSError as error:
        trouble = f"{os.fsdecode(error.filename or '')}: {error.strerror}"
    node = Node(start, inlet, outlet, scratch)
    gc.disable()  # nothing here points back to what points to it
    try:
        node.greet()
        if trouble:
            node.attempts.condemn(trouble)
            complain(trouble)
        if isinstance(inlet, Mailbox) or not trouble:  # some launchers end all ranks when one ends with a status
            node.run()
    finally:
        node.abandon()
        remove_scratch(scratch)
    return UNUSABLE if trouble and isinstance(inlet, Pipe) else 0


def complain(text: str) -> int:
    """Tell a person, too; return the exit status."""
    os.write(2, encode(f"hpcmake: {text}\n"))
    return UNUSABLE
