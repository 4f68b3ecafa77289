"""The program that runs tasks on one machine: `PYTHON -I -S hpcmake/runners/node [MAILBOX]`, answers on stdout.

Owns the queue of one node, its processes, their time limits and the stamps of what they made.  Knows nothing of rules
or journals, nor of the rest of hpcmake: it stands alone (standard library, Python 3.6 or later, this folder only).

It is a folder and not one file, since Python keeps what it has compiled of modules, but compiles a script each time.

Down, each a line of JSON: first one object (see `loop.Node`), then lists:

    ["more", ROW…]          tasks to run; a row is the values of `task.Task`, cut off behind the last that is not its
                            default.  One whose id came before does nothing
    ["forget", ID…]         take back what has not begun
    ["ask", ID…]            answer once more how these have ended; nothing for those that wait or run
    ["resume"]              begin what comes from now on, after a task that `holds` has failed
    ["drain"]               begin nothing more
    ["stop", "term"]        end what runs; or "kill"
    ["beat"]                the driver lives
    ["end"]                 end all tasks, and then this program

Without MAILBOX these come on stdin, and its end is as `["end"]`.  With it they come in that file, which all ranks of
one launch read and which only grows; stdin is not read.  There each list begins with the number of the rank that it is
for, or -1 for all, without a space before it: `[3,"beat"]`; a line for others is a sign of life too.  The object then
also holds `nodes`, their names in the order of ranks (see rank.py), and `look`, the seconds between looks while cores
are free or less than two tasks a core wait; else there is a look every 5 s, or every quarter of `beat` if that is less.
The first line is waited for 60 s, and later a file that cannot be read for 60 s has ended.

Up, lines of at most 1000 bytes; behind a MAILBOX each begins with the rank, as `[3,"b",ID,AT]`, and no more than 1000
bytes, all of whole lines, are written at once:

    ["up", PID, NODE, SCRATCH, PYTHON, CORES]
                                            ready: "3.6.8" or the like, and how many cores tasks may be bound to
    ["b", ID, AT]                           began
    ["e", ID, STATUS, WHY, WALL, CPU, RSS, AT, [SLOT, OFFSET, LENGTH] or 0, STRAYS, MTIME, SIZE, …]
                                            ended; its output lies in LOGS/NAME.SLOT (behind a MAILBOX: NAME.RANK.SLOT);
                                            slot -1: in the row's own log, -2: in the log of the node, LOGS/NAME.out
                                            (or NAME.RANK.out); stamps, null, null for what is missing
    ["s", ID, MTIME, SIZE, …]               the first stamps, where one line cannot hold them all
    ["c", ID, WHY, ELAPSED]                 cut: "forgotten", "stop", "term", or "node": this one is no good
    ["u", ID]                               unknown: was asked for, but never came
    ["a", RUNNING, WAITING]                 alive, each `tell` seconds
    ["n", TEXT]                             this node is no good, and why: its scratch cannot be written, or it has no
                                            room for a process.  Said once; nothing is begun any more, what runs may end
    ["w", TEXT]                             a remark

The last 20,000 ends are kept for `ask`; of an older one it answers `["c", ID, "node", 0]`.

Status 0, or 3 if the start object does not come or is not understood.  A node without a scratch, or that cannot enter
the campaign's folder, says `up` and `n`, and ends with 3; behind a MAILBOX it stays instead, and cuts what it gets, for
some launchers end all ranks when one has a status.
"""

# Imports within this folder are relative, since it is both a package of hpcmake and a program of its own.
from .stamps import stamp_folder

__all__ = ["stamp_folder"]
