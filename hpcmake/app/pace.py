"""How long tasks take, as far as this campaign knows: from earlier runs, from this one, or from `time`.

Owns the wall times by rule, and what a runner is told of an attempt by them.  Knows nothing of nodes.
"""

from __future__ import annotations

from hpcmake.app.recent import Recent
from hpcmake.tasks.estimates import ENOUGH, MEASURED, NONE_GIVEN, estimate, needed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hpcmake.app.handed import Handed
    from hpcmake.engine import Engine
    from hpcmake.model import Attempt
    from hpcmake.planner.attempts import Attempts
    from hpcmake.planner.plan import Plan
    from hpcmake.tasks.estimates import Estimate

_MOST = 2000  # wall times of a rule that are kept: the last ones


class Pace:
    """Tells of attempts what they should take; `lag` is how long a file may take to be seen on another node."""

    def __init__(self, plan: Plan, engine: Engine, lag: float = 0.0) -> None:
        self._plan = plan
        self._engine = engine
        self.recent = Recent(plan, lag)
        self._walls: dict[str, list[float]] = {}
        self._counted: dict[tuple[str, float | None], tuple[int, Estimate]] = {}

    def learn(self, rule: str, wall: float) -> None:
        """Take note of how long a task of a rule has taken."""
        walls = self._of(rule)
        walls.append(wall)
        if len(walls) > 2 * _MOST:
            del walls[:_MOST]

    def _of(self, rule: str) -> list[float]:
        if rule not in self._walls:
            self._walls[rule] = self._plan.history.walls(rule)[-_MOST:]
        return self._walls[rule]

    def estimate(self, rule: str, limit: float | None) -> Estimate:
        """Return what a task of a rule with that `time` should take; made anew when a quarter more is known."""
        walls = self._of(rule)
        count, known = self._counted.get((rule, limit), (-1, None))
        if known is None or len(walls) > count + max(ENOUGH, count // 4) or (count < ENOUGH <= len(walls)):
            known = estimate(walls, limit=limit, longest=0.0)
            self._counted[rule, limit] = (len(walls), known)
        return known

    def told(self, handed: Handed, attempt: Attempt, attempts: Attempts) -> Attempt:
        """Return an attempt with what a runner of many nodes wants to know of it."""
        table = handed.table
        priority = 0
        if "priority" in table.rule.resources:
            priority = attempts.resources(table, handed.row, handed.number)[1].get("priority", 0)
        known = self.estimate(table.rule.name, attempt.resources.time)
        told: dict[str, Any] = {
            "tail": self._engine.urgency(handed.task),
            "priority": priority,
            "avoid": handed.avoid,
            "needs": self.recent.needs(table, handed.row),
        }
        if attempt.expected is not None:
            # it was packed for that: to begin it only where more is left could be never
            told["ceiling"] = min(attempt.ceiling, known.ceiling) if known.basis == MEASURED else attempt.ceiling
        elif known.basis != NONE_GIVEN:
            told |= {"expected": known.seconds, "ceiling": known.ceiling}
        if "ceiling" in told:
            last = self._plan.history.others.get(attempt.task)
            if last is not None and last["k"] == "cut" and last.get("why") == "deadline":
                told["ceiling"] = needed(told["ceiling"], last.get("e", 0.0))
        return attempt.replace(**told)
