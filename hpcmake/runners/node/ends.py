"""The lines that tell how a task ended, and what it has made.

Owns their form.  Knows nothing of how they are sent.
"""

import os
import signal

from .stamps import find_stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .task import Task

STAMPS_A_LINE = 20  # of up to 41 letters each


def render_end(task: "Task", now: float, up: float) -> str:
    """Return the lines for a task that has ended; `now` and `up`, the start of all, are on the monotonic clock.

    Takes note in `task.lacks` of whether an output is missing.
    """
    lines: list[str] = []
    stamps: list[str] = []
    for path in task.outputs if task.succeeded() else ():
        if len(stamps) == STAMPS_A_LINE:
            lines.append(f'["s",{task.id}{"".join(stamps)}]\n')
            stamps = []
        stamp = find_stamp(path)
        task.lacks = task.lacks or stamp is None
        stamps.append(f",{stamp[0]},{stamp[1]}" if stamp else ",null,null")
    status = task.status or (-signal.SIGTERM if task.why == "time" else 0)
    length = os.lseek(task.log_fd, 0, os.SEEK_END) - task.log_from if task.log_fd >= 0 else 0
    number = task.slot.number if task.log_fd == task.slot.log_fd else -1
    log = f"[{number},{task.log_from},{length}]" if length > 0 else "0"
    times = f"{now - task.began:.6f},{task.cpu:.6f},{task.rss << 10},{now - up:.6f}"
    lines.append(f'["e",{task.id},{status:d},"{task.why}",{times},{log},{task.strays}{"".join(stamps)}]\n')
    return "".join(lines)
