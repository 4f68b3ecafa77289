"""What is told of tasks that jobs have run, from their records.

Owns the rows that voices get.  Knows nothing of what follows from a record.
"""

from __future__ import annotations

from hpcmake.tasks.quoting import quote_word
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.queue.intake import News


def task_row(news: News, *, again: bool, handle: str = "", limit: float | None = None) -> dict[str, object] | None:
    """Return what a voice is told of a record; None if that is nothing.

    `again`: the task is tried once more.  `handle` is a file that it makes, `limit` its `time` in seconds.
    """
    record = news.record
    name, kind = record.get("t"), record.get("k")
    if not isinstance(name, str):
        return None
    row = {"task": name, "rule": name.partition("[")[0], "attempt": record.get("a", 1), "job": news.key}
    if kind == "ok":
        outputs = [entry[0] for entry in record["out"]]
        return {
            "kind": "done",
            **row,
            "wall": record.get("w", 0.0),
            "cpu": record.get("cpu", 0.0),
            "rss": record.get("rss", 0),
            "outputs": [*outputs, *(entry[0] for entry in record.get("prod", ()))],
        }
    if kind != "fail":
        return None
    why, status, log = record.get("why", "exit"), record.get("rc", 1), record.get("log")
    return {
        "kind": "failed",
        **row,
        "status": status,
        "why": why,
        "words": failure_words(why, status, record.get("file"), limit),
        "wall": record.get("w", 0.0),
        "log": log[0] if log else None,
        "tail": _tail(log),
        "again": again,
        "rerun": f"hpcmake {quote_word(handle)}" if handle else "hpcmake",
        "show": f"hpcmake log {quote_word(handle or name)}",
    }


def too_long_row(task: str, rule: str, cut_after: float, needed: float, longest: float) -> dict[str, object]:
    """Return what a voice is told of a task that was cut, and that no job is long enough for; all in seconds."""
    end = f"cut by the end of its job after {render_duration(cut_after)}"
    need = f"it would need {render_duration(needed)}, and no job has more than {render_duration(longest)}"
    return {
        "kind": "failed",
        "task": task,
        "rule": rule,
        "attempt": 1,
        "status": 1,
        "why": "deadline",
        "words": f"{end}: {need}",
        "wall": cut_after,
        "log": None,
        "tail": [],
        "again": False,
        "rerun": "hpcmake",
    }


def failure_words(why: str, status: int, file: str | None = None, limit: float | None = None) -> str:
    """Return why an attempt failed, in words."""
    if why == "time":
        return f"ended by its time limit of {render_duration(limit)}" if limit else "ended by its time limit"
    if why == "missing output":
        return f"the command succeeded, but {file or 'an output'} is not there"
    if why == "node":
        return "the nodes on which it ran were lost, each time"
    words = f"ended by signal {-status}" if status < 0 else f"exit {status}"
    return f"`post`: {words}" if why == "post" else words


def _tail(log: list[object] | None) -> list[str]:
    from hpcmake.app.tail import read_tail

    return read_tail((str(log[0]), int(str(log[1])), int(str(log[2])))) if log else []
