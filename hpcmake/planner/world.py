"""What expressions may ask of the world outside.

Owns the protocol between the evaluation of expressions and the planner.  Knows neither of them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol

    from hpcmake.planner.rules import Campaign
    from hpcmake.planner.values import Value
    from hpcmake.tasks.patterns import Pattern
    from hpcmake.text import Span
else:
    Protocol = object


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
