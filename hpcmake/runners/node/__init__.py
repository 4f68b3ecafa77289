"""The program that runs tasks on one machine: `PYTHON -I -S hpcmake/runners/node`, work on stdin, answers on stdout.

Owns the queue of one node, its processes, their time limits and the stamps of what they made.  Knows nothing of rules
or journals, nor of the rest of hpcmake: it stands alone (standard library, Python 3.6 or later, this folder only).

It is a folder and not one file, since Python keeps what it has compiled of modules, but compiles a script each time.

Down, each a line of JSON: first one object (see `loop.Node`), then lists: `["more", ROW…]`, `["forget", ID…]`,
`["drain"]`, `["stop", "term"]` or `"kill"`, `["beat"]`.  A row is the values of `task.Task`, cut off behind the last
that is not its default.  Up, lines of at most 1000 bytes:

    ["up", PID, NODE, SCRATCH]
    ["b", ID, AT]                           began
    ["e", ID, STATUS, WHY, WALL, CPU, RSS, AT, [SLOT, OFFSET, LENGTH] or 0, STRAYS, MTIME, SIZE, …]
                                            ended; slot -1: the row's own log; stamps, null, null for what is missing
    ["s", ID, MTIME, SIZE, …]               the first stamps, where one line cannot hold them all
    ["c", ID, WHY, ELAPSED]                 cut
    ["w", TEXT]                             a remark

The end of stdin ends all tasks, and then this program.
"""

# Imports within this folder are relative, since it is both a package of hpcmake and a program of its own.
from .stamps import stamp_folder

__all__ = ["stamp_folder"]
