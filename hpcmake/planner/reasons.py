"""Reasons in words: how an attempt failed, how two commands or two lists of inputs differ.

Owns these words.  Knows nothing of tasks.
"""

from __future__ import annotations

from hpcmake.tasks.digests import MAKES


def failure_words(record: dict[str, object]) -> str:
    """Return in words how a recorded attempt failed."""
    why, status = record.get("why", "exit"), record.get("rc")
    if why == "exit" and status is None:
        return "what it needs had failed"
    if why == "exit":
        if isinstance(status, int) and status < 0:
            return f"signal {-status}"
        return f"exit {status}"
    return {"time": "its time was up", "missing output": f"no {record.get('file', 'output')}"}.get(str(why), str(why))


def difference(then: dict[str, object] | None, now: dict[str, object]) -> str:
    """Return in words how two definitions of a rule's commands differ."""
    if then is None:
        return ""
    words = []
    for name in dict.fromkeys([*now, *then]):
        before, after = then.get(name), now.get(name)
        if before == after or name == MAKES:
            continue
        if name in {"values", "env"} and isinstance(before, dict) and isinstance(after, dict):
            words += [
                f"{each}: {before.get(each)} -> {after.get(each)}"
                for each in dict.fromkeys([*after, *before])
                if before.get(each) != after.get(each)
            ]
        else:
            words.append(name)
    return ", ".join(words[:4])


def first_difference(then: list[str], now: list[str]) -> tuple[str | None, str]:
    """Return a file by which two lists of inputs differ, if one is in one of them only, and how in words."""
    gone, new = set(then) - set(now), set(now) - set(then)
    if new:
        file = next(path for path in now if path in new)
        return file, "new" + (f", and {len(new) - 1} more" if len(new) > 1 else "")
    if gone:
        file = next(path for path in then if path in gone)
        return file, "no longer taken" + (f", and {len(gone) - 1} more" if len(gone) > 1 else "")
    return None, "in another order"


def is_for_good(record: dict[str, object]) -> bool:
    """Tell whether a record says that a task is not tried again by itself: it was given up, or its last try failed."""
    return record["k"] == "gave up" or (record["k"] == "fail" and "final" in record)
