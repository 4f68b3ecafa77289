"""Starts the script of a job, as a scheduler does: in a session of its own, with files of its own.

Owns that process until it is the script.  Knows nothing of queues.
"""

from __future__ import annotations

import errno
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.testbed.queue.nouns import Job

NOT_FOUND, NOT_STARTED = 127, 126
UMASK = 0o022


def start_script(job: Job, argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Start a script; return its process.  A script that cannot be started ends as in a shell, with 126 or 127."""
    pid = os.fork()
    if pid == 0:
        status = NOT_STARTED
        try:
            _become(job, list(argv), dict(environment))
        except FileNotFoundError:
            status = NOT_FOUND
            os.write(2, b"[Errno 2] No such file or directory\n")
        except OSError as problem:
            os.write(2, f"[Errno {problem.errno}] {problem.strerror}\n".encode())
        finally:
            os._exit(status)
    return pid


def _become(job: Job, argv: list[str], environment: dict[str, str]) -> None:
    os.setsid()
    os.umask(UMASK)
    for number, (path, flags) in enumerate(
        [
            (job.stdin, os.O_RDONLY),
            (job.stdout, os.O_WRONLY | os.O_APPEND | os.O_CREAT),
            (job.stderr, os.O_WRONLY | os.O_APPEND | os.O_CREAT),
        ]
    ):
        try:
            opened = os.open(path, flags, 0o644)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # as a scheduler does: its output is lost
        os.dup2(opened, number)
        os.close(opened)
    os.closerange(3, 4096)
    for each in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGIO):
        signal.signal(each, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.chdir(job.cwd)
    try:
        os.execve(argv[0], argv, environment)
    except OSError as problem:
        if problem.errno != errno.ENOEXEC:
            raise
        os.execve("/bin/sh", ["/bin/sh", *argv], environment)
