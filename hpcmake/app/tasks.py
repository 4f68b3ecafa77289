"""One task as people ask for it: by a file it makes, or by its name; and what is recorded of it.

Owns finding a task in a plan and its state in words.  Knows nothing of how that is shown.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble, did_you_mean
from hpcmake.model import REASONS
from hpcmake.planner.stale import FRESH, GIVEN_UP, OMITTED, UNKNOWN, failure_words
from hpcmake.tasks.paths import normalize
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan
    from hpcmake.tasks.ledger import Past


def find_task(plan: Plan, word: str) -> tuple[Table, int] | None:
    """Return the task that makes a file, or that has this name; None for a source.  Raises Trouble if it is neither."""
    rule_name, bracket, _ = word.partition("[")
    if bracket and rule_name in plan.campaign.by_name:
        table = plan.graph.tables[plan.campaign.by_name[rule_name].number]
        for row in range(table.count):
            if table.name(row) == word:
                return table, row
        names = [table.name(row) for row in range(min(table.count, 1000))]
        raise unknown_task(
            word,
            did_you_mean(word, names) or f"it has {table.count} tasks, see `hpcmake ls --where 'rule = {rule_name}'`",
        )
    path = normalize(word, plan.graph.root)
    number = plan.graph.files.index.get(path)
    if number is None:
        number = plan.graph.files.index.get(path + "/")
    if number is not None:
        if plan.graph.files.rule[number] < 0:
            return None
        return plan.graph.tables[plan.graph.files.rule[number]], plan.graph.files.row[number]
    if word in plan.campaign.by_name:
        table = plan.graph.tables[plan.campaign.by_name[word].number]
        if table.count == 1:
            return table, 0
    raise unknown_task(
        word,
        did_you_mean(path, plan.graph.files.paths[:100000])
        or "it is in no target's plan; `hpcmake ls` lists the tasks",
    )


def unknown_task(word: str, help_: str) -> Trouble:
    """Return the mistake of a word that is no file of the plan and no task."""
    return Trouble(
        Diagnostic(
            "E812",
            f"`{word}` is neither a file of this plan nor a task",
            Span(Source("the command line", word), 0, len(word)),
            help=help_,
        )
    )


class Account:
    """What is known of one task: its state, and what was measured."""

    __slots__ = (
        "job",
        "key",
        "log",
        "memory",
        "name",
        "node",
        "reason",
        "row",
        "rule",
        "state",
        "table",
        "time",
        "tries",
    )

    def __init__(self, plan: Plan, table: Table, row: int) -> None:
        self.table = table
        self.row = row
        self.rule = table.rule.name
        self.name = table.name(row)
        past = plan.judge.past(table, row)
        other = plan.history.others.get(self.name)
        self.state, self.reason = _state(plan, table, row, other)
        self.tries: int | None = None
        self.time: float | None = None
        self.memory: int | None = None
        self.node = ""
        self.job = ""
        """The id of the job that has it, or in which its last attempt was made; empty if there is none."""
        self.key = ""
        """The key of that job."""
        self.log: tuple[str, int, int] | None = None
        if other is not None and "w" in other:
            self._of_failure(other)
        elif past is not None:
            self._of_success(plan, past)
        elif other is not None:
            self._of_failure(other)

    def _of_failure(self, record: dict[str, Any]) -> None:
        self.tries, self.time, self.memory = record.get("a"), record.get("w", record.get("e")), record.get("rss")
        self.node = record.get("n", "")
        self.log = tuple(record["log"]) if record.get("log") else None

    def _of_success(self, plan: Plan, past: Past) -> None:
        ledger, row = past.ledger, past.row
        names = plan.history.names
        if ledger.wall[row] >= 0:
            self.tries, self.time, self.memory = ledger.tries[row], ledger.wall[row], ledger.rss[row]
        self.node = names[ledger.node[row]] if ledger.node[row] >= 0 else ""
        if ledger.log_file[row] >= 0:
            self.log = (names[ledger.log_file[row]], ledger.log_at[row], ledger.log_length[row])

    def plain(self) -> dict[str, object]:
        """Return it as values for JSON."""
        return {
            "kind": "task",
            "task": self.name,
            "rule": self.rule,
            "wildcards": dict(zip(self.table.rule.wildcards, self.table.values(self.row), strict=True)),
            "state": self.state,
            "reason": self.reason,
            "tries": self.tries,
            "time": self.time,
            "memory": self.memory,
            "node": self.node,
            "job": self.job or None,
            "log": list(self.log) if self.log else None,
        }


def _state(plan: Plan, table: Table, row: int, other: dict[str, Any] | None) -> tuple[str, str]:
    state = table.state[row]
    if state == FRESH:
        return "done", ""
    if state == UNKNOWN:
        return "unknown", ""
    if state == GIVEN_UP:
        return "given up", failure_words(other) if other is not None else "what it needs has failed"
    if state == OMITTED:
        return "omitted", ""
    reason = plan.judge.explain(table, row)
    words = reason.words() if reason is not None else REASONS[state - 1]
    if other is not None and other["k"] in {"fail", "gave up"}:
        return "failed", failure_words(other)
    if other is not None:
        return "interrupted", words
    return "stale", words
