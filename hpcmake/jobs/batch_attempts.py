"""Attempts of a batch's tasks: what the planner wrote, filled with what stands in a task's row.

Owns the way from a row to an attempt.  Knows nothing of when attempts are made, nor of what runs them.
"""

from __future__ import annotations

from json import dumps, loads

from hpcmake.model import Attempt, Resources
from hpcmake.tasks.batch import PRODUCED, fill_template
from hpcmake.tasks.quoting import quote_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from hpcmake.jobs.batch_plan import BatchPlan
    from hpcmake.jobs.batch_tables import BatchTable


class BatchAttempts:
    """Makes attempts of a batch's tasks; `lists` are the files that must be there before the last one begins."""

    def __init__(self, plan: BatchPlan) -> None:
        self._plan = plan
        self.lists: list[tuple[str, list[str]]] = []
        self._last: tuple[tuple[int, int, int], dict[str, Any]] | None = None

    def resources(self, table: BatchTable, row: int, number: int) -> tuple[Resources, dict[str, int]]:
        """Return what an attempt takes, and `retries`, `priority` and `at_once` where given."""
        more: dict[str, int] = {}
        for name, key in (("retries", "retries"), ("priority", "prio")):
            value = table.told(row, key)
            if value is not None:
                more[name] = value
        if table.rule.at_once is not None:
            more["at_once"] = table.rule.at_once
        return Resources(**self._plain(table, row, number)["res"]), more

    def most_at_once(self, table: BatchTable) -> int | None:
        """Return how many tasks of a rule may run together; None if nothing is said."""
        return table.rule.at_once

    def _plain(self, table: BatchTable, row: int, number: int) -> dict[str, Any]:
        key = (table.rule.number, row, number)
        if self._last is not None and self._last[0] == key:
            return self._last[1]
        alternatives = table.told(row, "alt", {})
        which = str(number) if str(number) in table.rule.templates or str(number) in alternatives else "1"
        text = alternatives.get(which)
        if text is None:
            text = fill_template(table.rule.templates[which], self._values(table, row))
        found: dict[str, Any] = loads(text)
        self._last = (key, found)
        return found

    def _values(self, table: BatchTable, row: int) -> list[str]:
        paths = self._plan.graph.files.paths
        found = [*table.values(row)]
        found += [paths[column[row]] for column in table.outputs]
        found += [paths[column[row]] if column[row] >= 0 else "" for column in table.inputs]
        return [dumps(each)[1:-1] for each in found]

    def make(
        self,
        table: BatchTable,
        row: int,
        *,
        id: int,  # noqa: A002  # as the field is named
        number: int,
        only_post: bool = False,
        produced: Sequence[str] | None = None,
        holds: bool = False,
    ) -> Attempt:
        """Return an attempt."""
        plain = self._plain(table, row, number)
        rule = table.rule
        waits = rule.post is not None and "produced" in rule.post.names and produced is None
        post = "" if waits else plain["post"]
        if produced is not None and post:
            post = post.replace(quote_word(PRODUCED), " ".join(map(quote_word, produced)))
        self.lists += [(path, list(items)) for path, items in plain.get("lists", ())]
        argv = plain["argv"] if not only_post else None
        return Attempt(
            id=id,
            task=table.name(row),
            number=number,
            argv=tuple(argv) if argv is not None else None,
            script="" if only_post else plain["script"],
            interpreter=tuple(plain["by"]),
            post=post,
            only_post=only_post,
            env=plain["env"],
            log=plain["log"],
            folders=tuple(plain["folders"]),
            outputs=() if waits else tuple(plain["looked"]),
            resources=Resources(**plain["res"]),
            holds=holds,
        )
