"""What stands in a batch: templates of attempts, and the marks in them.

Owns how a template is filled.  Knows nothing of who makes batches, nor of who runs them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.tasks.patterns import Pattern

NAMED = "produced"
"""The name by which a `post` calls what its task has produced."""

PRODUCED = "hpcmake produced"
"""What stands in a `post` for the files that its task will have produced: it needs quotes, so it is found by them."""


def fill_template(template: Sequence[str | int], values: Sequence[str]) -> str:
    """Return a text whose pieces are given, or are the numbers of values."""
    return "".join([piece if isinstance(piece, str) else values[piece] for piece in template])


def render_pattern(pattern: Pattern) -> list[object]:
    """Return a pattern as values for JSON."""
    return [list(pattern.literals), list(pattern.places), dict(pattern.constraints)]
