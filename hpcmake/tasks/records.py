"""What a record must say, so that it can be taken for what its kind means.

Owns the form of each kind of record.  Knows nothing of what follows from one.

A checksum tells that a line is as it was written, not that it was written by us: a later version may write other things
under the same name.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_LONGEST = 1 << 63  # numbers are kept in 64 bits
_SHORTEST = 1 << 31  # … and attempts in 32


def find_fault(record: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a record of a kind that is known; None for a sound one, and for unknown kinds."""
    kind = record.get("k")
    if not isinstance(kind, str):
        return "it has no kind"
    check = _CHECKS.get(kind)
    if check is None or check(record):
        return None
    task = record.get("t")
    return f"it does not say what a record of the kind `{kind}` must" + (
        f", of {task}" if isinstance(task, str) and task.isprintable() else ""
    )


def _is_success(record: Mapping[str, Any]) -> bool:
    inputs, outputs = record.get("in"), record.get("out")
    return (
        _is_task(record)
        and isinstance(record.get("c"), str)
        and isinstance(inputs, list)
        and isinstance(outputs, list)
        and all(map(_is_taken, inputs))
        and all(map(_is_stamped, outputs))
        and _is_measured(record)
        and ("v" not in record or isinstance(record["v"], list))
        and all(name not in record or _are_stamped(record[name]) for name in ("dep", "prod"))
        and ("as" not in record or _are_alike(record["as"]))
    )


def _is_failure(record: Mapping[str, Any]) -> bool:
    return (
        _is_task(record)
        and _is_measured(record)
        and isinstance(record.get("c", ""), str)
        and isinstance(record.get("v", []), list)
        and isinstance(record.get("why", ""), str)
        and isinstance(record.get("file", ""), str)
        and _is_number(record.get("e", 0))
        and ("in" not in record or _are_stamped(record["in"]))
    )


def _is_task(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("t"), str)


def _is_measured(record: Mapping[str, Any]) -> bool:
    if not (
        _is_number(record.get("w", 0.0))
        and _is_number(record.get("cpu", 0.0))
        and _is_whole(record.get("rss", 0))
        and _is_whole(record.get("a", 1), _SHORTEST)
        and isinstance(record.get("n", ""), str)
    ):
        return False
    log = record.get("log")
    return log is None or (
        isinstance(log, list)
        and len(log) == 3  # noqa: PLR2004  # file, offset, length
        and isinstance(log[0], str)
        and _is_whole(log[1])
        and _is_whole(log[2])
    )


def _is_number(value: object) -> bool:
    return isinstance(value, float) or _is_whole(value)


def _is_whole(value: object, most: int = _LONGEST) -> bool:
    return isinstance(value, int) and -most <= value < most


def _is_stamped(entry: object) -> bool:
    """Tell whether this is a path with mtime and size, and perhaps a hash, and that the stamp alone does not tell."""
    return (
        isinstance(entry, list)
        and 3 <= len(entry) <= 5  # noqa: PLR2004  # the last two may be absent
        and isinstance(entry[0], str)
        and _is_whole(entry[1])
        and _is_whole(entry[2])
        and (len(entry) == 3 or isinstance(entry[3], str))  # noqa: PLR2004
    )


def _is_taken(entry: object) -> bool:
    """Tell whether this is an input: a file with its stamp, one whose stamp does not matter, or a named set."""
    if isinstance(entry, dict):
        return isinstance(entry.get("set"), str)
    return _is_stamped(entry) or (isinstance(entry, list) and len(entry) == 1 and isinstance(entry[0], str))


def _are_stamped(entries: object) -> bool:
    return isinstance(entries, list) and all(_is_stamped(each) and len(each) == 3 for each in entries)  # noqa: PLR2004


def _are_alike(entries: object) -> bool:
    return isinstance(entries, dict) and all(
        isinstance(each, list) and len(each) == 2 and all(map(_is_whole, each))  # noqa: PLR2004  # mtime, size
        for each in entries.values()
    )


def _are_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(each, str) for each in values)


_CHECKS: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "ok": _is_success,
    "adopted": _is_success,
    "fail": _is_failure,
    "cut": _is_failure,
    "gave up": _is_failure,
    "launch": lambda record: _are_texts(record.get("ts")) and isinstance(record.get("n", ""), str),
    "unlaunch": lambda record: _are_texts(record.get("ts")),
    "def": lambda record: isinstance(record.get("id"), str) and isinstance(record.get("of"), dict),
    "set": lambda record: (
        isinstance(record.get("id"), str)
        and isinstance(record.get("files"), list)
        and all(not isinstance(each, dict) and _is_taken(each) for each in record["files"])
    ),
    "forget": lambda record: _are_texts(record.get("keys")),
}
