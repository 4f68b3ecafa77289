"""A trace of what ran when and where, in the form that Chrome's trace viewer and Perfetto read.

Owns that format and the lanes in which tasks are drawn.  Knows nothing of voices.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_HERE = "this machine"


class Trace:
    """Collects one event for each attempt that ends; it is told the same rows as a voice.

    A node is a process of the trace, a lane a thread: an attempt takes the lowest lane that is free.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        from json import JSONEncoder  # 10 ms to import

        self._encode = JSONEncoder(separators=(",", ":"), check_circular=False).encode
        self._clock = clock
        self._start = clock()
        self._nodes: dict[str, _Lanes] = {}
        self._running: dict[str, tuple[int, _Lanes]] = {}
        self._events: list[str] = []

    def tell(self, row: Mapping[str, Any]) -> None:
        """Take a row; kinds other than `began`, `done`, `failed` and `cut` say nothing to a trace."""
        kind = row["kind"]
        if kind == "began":
            lanes = self._lanes(row.get("node") or _HERE)
            self._running[row["task"]] = (lanes.take(self._clock()), lanes)
        elif kind in {"done", "failed", "cut"}:
            self._ended(kind, row)

    def _lanes(self, node: str) -> _Lanes:
        lanes = self._nodes.get(node)
        if lanes is None:
            lanes = self._nodes[node] = _Lanes(len(self._nodes))
            self._write({"name": "process_name", "ph": "M", "pid": lanes.pid, "args": {"name": node}})
        return lanes

    def _ended(self, kind: str, row: Mapping[str, Any]) -> None:
        running = self._running.pop(row["task"], None)
        if running is None:
            return
        lane, lanes = running
        now = self._clock()
        began = lanes.give_back(lane, now)
        wall = row.get("wall")
        # what was measured where it ran is nearer to the truth than when we heard of its beginning
        if wall is not None:
            began = min(max(began, now - wall), now)
        event: dict[str, object] = {
            "name": row["task"],
            "cat": row["rule"],
            "ph": "X",
            "ts": round((began - self._start) * 1e6),
            "dur": round((now - began) * 1e6),
            "pid": lanes.pid,
            "tid": lane,
        }
        details = {key: row[key] for key in ("attempt", "status", "why", "cpu", "rss") if row.get(key) is not None}
        event["args"] = {"end": kind, **details}
        if kind != "done":
            event["cname"] = "terrible" if kind == "failed" else "bad"
        self._write(event)

    def _write(self, event: dict[str, object]) -> None:
        self._events.append(self._encode(event))

    def render(self) -> str:
        """Return the trace so far as a JSON array, an event a line; what still runs is left out."""
        return "[\n" + ",\n".join(self._events) + "\n]\n"


class _Lanes:
    """The lanes of one node: which are free, and since when each is taken."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._free: list[int] = []
        self._since: list[float] = []

    def take(self, now: float) -> int:
        if self._free:
            lane = min(self._free)
            self._free.remove(lane)
            self._since[lane] = now
        else:
            lane = len(self._since)
            self._since.append(now)
        return lane

    def give_back(self, lane: int, now: float) -> float:
        self._free.append(lane)
        began, self._since[lane] = self._since[lane], now
        return began
