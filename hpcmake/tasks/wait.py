"""The answer «not yet»: what has to be made before a value can be known.

Owns Need and Wait.  Knows nothing of who asks, nor of who waits.
"""

from __future__ import annotations

from hpcmake.record import Record


class Need(Record):
    """Something to be made before a value can be known: a file, or what a task of a rule with `produces` produced.

    `rule` and `closed` (the values of its closed wildcards) are set for the latter; `path` is then the pattern.
    """

    path: str
    rule: str | None = None
    closed: tuple[str, ...] = ()


class Wait(Exception):
    """A value cannot be known before its needs are made."""

    def __init__(self, *needs: Need) -> None:
        super().__init__(", ".join(need.path for need in needs))
        self.needs = tuple(dict.fromkeys(needs))
