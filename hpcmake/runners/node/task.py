"""One attempt on a node, and the two files that it uses while it runs.

Owns what is known of an attempt between its row and its end.  Knows nothing of the queue, nor of other attempts.
"""

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

UNSEEN, LATE, RETRY, RUNNING, LINGERING, ASKED, KILLED = range(-3, 4)
"""How near a tree of processes is to its end; UNSEEN: its inputs do not show yet, and it still waits; LATE: it has
ended, and its outputs do not show yet; RETRY: not started yet, for the system had no room."""

#           id argv outputs folders cores memory gpus time script interpreter post only_post env log alone holds needs
DEFAULTS: "tuple[Any, ...]" = (0, None, (), (), 1, 0, 0, None, "", ("bash",), "", False, {}, None, 0, 0, ())
"""What a row leaves out."""

_spelling = ["utf-8"]


def spell_as(encoding: str) -> None:
    """Take file names to be spelled as those of the driver."""
    _spelling[0] = encoding


def encode(text: str) -> bytes:
    """Return text as the driver's file system spells it."""
    return text.encode(_spelling[0], "surrogateescape")


class Slot:
    """What one running task at a time uses: a log for its output, a file on the way to it, and one for its script."""

    def __init__(self, number: int, log: str, script: str) -> None:
        self.number = number
        self.log = encode(log)
        self.script = encode(script)
        self.log_fd = self.spool_fd = self.script_fd = -1

    def open_log(self) -> int:
        """Return a descriptor of the slot's output file.  Raises OSError."""
        if self.log_fd < 0:
            self.log_fd = open_log(self.log)
        return self.log_fd

    def open_spool(self) -> int:
        """Return a descriptor of the slot's file of output in the scratch.  Raises OSError."""
        if self.spool_fd < 0:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self.spool_fd = os.open(self.script + b".out", flags, 0o600)
        return self.spool_fd

    def write_script(self, text: str) -> bytes:
        """Put a script into the slot's file; return its path.  Raises OSError."""
        content = encode(text)
        if self.script_fd < 0:
            self.script_fd = os.open(self.script, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self.script_fd, 0)
        if os.pwrite(self.script_fd, content, 0) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if not os.fstat(self.script_fd).st_nlink:  # some systems empty /dev/shm when a user logs out
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        return self.script

    def close(self) -> None:
        """Let the files go, and remove a log that holds nothing."""
        for fd in (self.script_fd, self.spool_fd):
            if fd >= 0:
                os.close(fd)
        if self.log_fd >= 0:
            if os.fstat(self.log_fd).st_size == 0:
                os.unlink(self.log)
            os.close(self.log_fd)


def open_log(path: bytes) -> int:
    """Open a file to append to.  Raises OSError."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)


NOWHERE = Slot(-1, "", "")


class Task:
    """One attempt, waiting or running.

    `alone` > 0: it has the machine to itself, with that many threads a rank.  `holds`: nothing is begun after it if it
    fails (1: or lacks an output; 2: what it lacks may be made elsewhere, behind it).  `needs`: what it must see before
    it begins, each [path, mtime, size].
    """

    def __init__(self, row: "list[Any]") -> None:
        values = (*row, *DEFAULTS[len(row) :])
        self.id, self.argv, self.outputs, self.folders, self.cores, self.memory, self.gpus, self.time = values[:8]
        self.script, self.interpreter, self.post, self.only_post, self.env, self.log, self.alone = values[8:15]
        self.holds, self.needs = values[15:17]
        self.looks, self.patience = 0, 0.0
        self.stamps: list[tuple[int, int] | None] = []
        self.order = self.overtaken = 0
        self.slot = NOWHERE
        self.devices: list[int] = []
        self.log_fd, self.log_from = -1, 0
        self.seen = self.moved = 0  # of the output in the scratch: bytes up to which it was moved on, and how many were
        self.pid = self.status = self.rss = self.strays = self.tries = 0
        self.began = self.ended = self.cpu = self.due = 0.0
        self.why, self.cut = "exit", ""
        self.stage = RUNNING
        self.in_post = bool(self.only_post)

    def succeeded(self) -> bool:
        """Return whether what has run until now did all it should."""
        return self.status == 0 and self.why == "exit" and not self.cut

    def lacks(self) -> bool:
        """Return whether an output is missing of what has succeeded."""
        return None in self.stamps

    def warn(self, text: str) -> bool:
        """Put a text into the task's log; return whether that could be done."""
        try:
            return os.write(self.log_fd, encode(text + "\n")) > 0
        except OSError:  # there is none, or its file system is full
            return False
