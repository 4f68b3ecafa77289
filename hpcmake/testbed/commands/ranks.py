"""How a rank's process comes into being on its node.

Owns the environment, the host name and the session of a rank.  Knows nothing of what becomes of it.
"""

from __future__ import annotations

import errno
import os
import signal

from .state import LAUNCH, MARK, NODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .face import Rank, Step
    from .state import State

_RENAME = 'echo "$0" >/proc/sys/kernel/hostname && exec "$@"'


def spawn(state: State, step: Step, rank: Rank, launch: int, streams: tuple[int, int, int]) -> int:
    """Start a rank in a session of its own; return its process id.  Raises OSError."""
    environment = dict(rank.environment)
    environment[MARK] = state.folder
    environment[NODE] = rank.node
    environment[LAUNCH] = str(launch)
    environment["HOSTNAME"] = rank.node
    program = rank.argv[0]
    if not os.path.isfile(program):
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), program)
    if not os.access(program, os.X_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), program)
    argv = [*_prefix(state, rank), *rank.argv]
    actions = [(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in enumerate(streams)]
    where = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) if step.cwd is not None else -1
    try:
        if step.cwd is not None:
            os.chdir(step.cwd)
        return os.posix_spawn(
            argv[0],
            argv,
            environment,
            file_actions=actions,
            setsid=True,
            setsigmask=[],
            setsigdef=[number for number in signal.valid_signals() if number not in _FIXED],
        )
    finally:
        if where >= 0:
            os.fchdir(where)
            os.close(where)


_FIXED = {signal.SIGKILL, signal.SIGSTOP}


def _prefix(state: State, rank: Rank) -> list[str]:
    """Return the words before a program that give its node a host name, and take its right to fork."""
    words = []
    if state.settings.get("hostnames"):
        words += [*state.settings["hostnames"].split(" "), "/bin/sh", "-c", _RENAME, rank.node]
    if state.settings.get("forks") == "no":
        words += [state.settings["python"], "-I", "-S", os.path.join(os.path.dirname(__file__), "no_fork.py")]
    return words
