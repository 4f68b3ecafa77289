"""What expressions may ask of the world outside, and the answer «not yet».

Owns the protocol between the evaluation of expressions and the planner, and Wait.  Knows neither of them.
"""

from __future__ import annotations

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol

    from hpcmake.planner.patterns import Pattern
    from hpcmake.planner.rules import Campaign
    from hpcmake.planner.values import Value
    from hpcmake.text import Span
else:
    Protocol = object


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


class World(Protocol):
    """What an expression reads.  Each call may raise Wait, or Trouble with the given place."""

    def await_rules(self, look: Callable[[], Campaign] | None) -> None:
        """Take note that rules are being read: `look` tells what they make; None: any file may be made by one."""

    def read(self, path: str, kind: str, span: Span) -> Value:
        """Return the content of a file as `lines`, `table`, `json` or `toml` give it."""

    def files(self, pattern: Pattern, bound: Mapping[str, str], span: Span) -> Sequence[tuple[str, ...]]:
        """Return the values of the unbound names for each file that `each` gives, in natural order."""

    def size(self, paths: Sequence[str], span: Span) -> int:
        """Return the bytes of files that are there."""

    def variable(self, name: str) -> str | None:
        """Return a variable of the environment."""
