"""Attempts of a batch's tasks: what the planner wrote, filled with what stands in a task's row.

Owns the way from a row to an attempt.  Knows nothing of when attempts are made, nor of what runs them.
"""

from __future__ import annotations

from json import loads

from hpcmake.model import Attempt, Resources
from hpcmake.tasks.batch import INPUTS, NAMED, PRODUCED, fill_template, fill_text, fill_words, row_texts, seen_from
from hpcmake.tasks.states import LOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from hpcmake.jobs.batch_plan import BatchPlan
    from hpcmake.jobs.batch_tables import BatchTable


_LATE = {"of": NAMED}


class BatchAttempts:
    """Makes attempts of a batch's tasks; `lists` are the files that must be there before the last one begins."""

    def __init__(self, plan: BatchPlan) -> None:
        self._plan = plan
        self.lists: list[tuple[str, list[str]]] = []
        self._same: dict[int, Resources] = {}
        """What all attempts of all tasks of a rule take, by what its piece tells of the rule."""
        self._last: tuple[tuple[int, int, int], dict[str, Any]] | None = None

    def resources(self, table: BatchTable, row: int, number: int) -> tuple[Resources, dict[str, int]]:
        """Return what an attempt takes, and `retries`, `priority` and `at_once` where given."""
        more: dict[str, int] = {}
        retries = table.retries(row)
        if retries:
            more["retries"] = retries
        priority = table.told(row, "prio", table.piece(row)["prio"])
        if priority:
            more["priority"] = priority
        if table.rule.at_once is not None:
            more["at_once"] = table.rule.at_once
        return self._resources(table, row, number), more

    def _resources(self, table: BatchTable, row: int, number: int) -> Resources:
        piece = table.piece(row)
        if not piece["same"]:
            return Resources(**self._plain(table, row, number)["res"])
        known = self._same.get(id(piece))  # which lives as long as its table
        if known is None:
            known = self._same[id(piece)] = Resources(**self._plain(table, row, number)["res"])
        return known

    def most_at_once(self, table: BatchTable) -> int | None:
        """Return how many tasks of a rule may run together; None if nothing is said."""
        return table.rule.at_once

    def _plain(self, table: BatchTable, row: int, number: int) -> dict[str, Any]:
        key = (table.rule.number, row, number)
        if self._last is not None and self._last[0] == key:
            return self._last[1]
        alternatives = table.told(row, "alt", {})
        templates = table.piece(row)["tries"]
        which = str(number) if str(number) in templates or str(number) in alternatives else "1"
        template = alternatives[which] if which in alternatives else templates[which]
        found: dict[str, Any] = loads(fill_template(template, self._values(table, row)))
        self._last = (key, found)
        return found

    def _values(self, table: BatchTable, row: int) -> list[str]:
        paths = self._plan.graph.files.paths
        return row_texts(
            table.values(row),
            [paths[column[row]] for column in table.outputs],
            [paths[column[row]] if column[row] >= 0 else "" for column in table.inputs],
            table.stem(row),
        )

    # ------------------------------------------------------------ inputs that may be left out

    def _members(self, table: BatchTable, row: int, position: int, folder: str) -> list[str]:
        """Return the files of an item of `input` as a folder sees them, less those that are left out."""
        paths, judge = self._plan.graph.files.paths, self._plan.judge
        is_maybe = table.rule.inputs[position].maybe
        return [
            seen_from(paths[number], folder)
            for number in judge.members(table.inputs[position][row])
            if not (is_maybe and judge.will[number] == LOST)
        ]

    def _items(self, table: BatchTable, row: int, told: Any, produced: Sequence[str] | None) -> list[str]:
        """Return the items of a list from what the batch tells of them."""
        if not isinstance(told, dict):
            return list(told)
        if told["of"] == NAMED:
            return list(produced or ())
        return [path for position in told["of"] for path in self._members(table, row, position, told["wd"])]

    def _filled(self, table: BatchTable, row: int, plain: dict[str, Any]) -> tuple[str, str, list[str] | None]:
        """Return script, `post` and words, with the inputs that are there in the place of their marks."""
        script, post, argv = plain["script"], plain["post"], plain["argv"]
        folder = plain.get("wd", "")
        for position, item in enumerate(table.rule.inputs):
            if item.maybe and not table.told(row, "fix"):
                mark, here = seen_from(INPUTS.format(position), folder), self._members(table, row, position, folder)
                script = fill_text(script, mark, here)
                post = fill_text(post, INPUTS.format(position), self._members(table, row, position, ""))
                argv = fill_words(argv, mark, here) if argv is not None else None
        return script, post, argv

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
        script, post, argv = self._filled(table, row, plain)
        post = "" if waits else fill_text(post, PRODUCED, produced or ()) if produced is not None else post
        self.lists += [
            (path, self._items(table, row, told, produced))
            for path, told in plain.get("lists", ())
            if not waits or told != _LATE
        ]
        expected, ceiling = table.time_of(row)
        return Attempt(
            expected=expected,
            ceiling=ceiling,
            id=id,
            task=table.name(row),
            number=number,
            argv=tuple(argv) if argv is not None and not only_post else None,
            script="" if only_post else script,
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
