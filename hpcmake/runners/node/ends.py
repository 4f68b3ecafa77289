"""The lines that tell how a task ended, and what it has made.

Owns their form.  Knows nothing of how they are sent.
"""

import signal

from .stamps import find_stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .task import Task

STAMPS_A_LINE = 20  # of up to 41 letters each


def find_stamps(task: "Task") -> bool:
    """Stamp what a task that has succeeded has made, and was not there before; return whether all is."""
    if not task.stamps:
        task.stamps = [find_stamp(path) for path in task.outputs]
    else:
        task.stamps = [stamp or find_stamp(path) for stamp, path in zip(task.stamps, task.outputs)]
    return not task.lacks()


def render_end(task: "Task", log: str, up: float) -> str:
    """Return the lines for a task that has ended; its output lies in `log`, and `up` is when all began."""
    lines: list[str] = []
    stamps: list[str] = []
    for stamp in task.stamps:
        if len(stamps) == STAMPS_A_LINE:
            lines.append(f'["s",{task.id}{"".join(stamps)}]\n')
            stamps = []
        stamps.append(f",{stamp[0]},{stamp[1]}" if stamp else ",null,null")
    status = task.status or (-signal.SIGTERM if task.why == "time" else 0)
    times = f"{task.ended - task.began:.6f},{task.cpu:.6f},{task.rss << 10},{task.ended - up:.6f}"
    lines.append(f'["e",{task.id},{status:d},"{task.why}",{times},{log},{task.strays}{"".join(stamps)}]\n')
    return "".join(lines)
