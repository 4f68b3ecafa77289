"""The states of tasks, and what the command line says about them.

Owns these values.  Knows nothing of how a task comes by its state.
"""

from __future__ import annotations

from hpcmake import model
from hpcmake.record import Record

FRESH = 0
UNKNOWN = 100
GIVEN_UP = 101
OMITTED = 102
IN_JOB = 103
"""The state, for a moment, of a task that a living job has, or that cannot run yet: nobody packs it."""
STATES = {reason: at for at, reason in enumerate(model.REASONS, 1)}
"""The state of a stale task: the place of its reason, from 1."""

IS_FORCED = STATES[model.FORCED]
IS_MISSING = STATES[model.MISSING_OUTPUT]
IS_REMADE = STATES[model.INPUT_REMADE]

STAYS, REMADE, MAYBE_REMADE, LOST = 0, 1, 2, 3
"""What will become of a file: nothing; it is made; that is not known yet; its task has failed for good."""


class Choices(Record):
    """What the command line says about staleness."""

    always: bool = False
    rules: frozenset[str] = frozenset()
    new: frozenset[str] = frozenset()
    old: frozenset[str] = frozenset()
    omit: frozenset[str] = frozenset()
    content: bool = False


def is_stale(state: int) -> bool:
    """Tell whether a state is that of a task which must run."""
    return FRESH < state < UNKNOWN
