"""The plan: what is wanted, what is stale and why, what is unknown, and how it grows when something becomes known.

Owns the interplay of graph, stamps, history and judgement.  Knows nothing of how tasks run.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.planner.absent import want_absent
from hpcmake.planner.checks import find_mistakes
from hpcmake.planner.constants import evaluate_constants
from hpcmake.planner.graph import Graph, Table, flat_paths
from hpcmake.planner.known import Known
from hpcmake.planner.missing import missing_sources
from hpcmake.planner.optional import Optional
from hpcmake.planner.order import components, tasks_in_order
from hpcmake.planner.outside import made_elsewhere
from hpcmake.planner.stale import Judge, is_stale
from hpcmake.planner.standstill import Standstill
from hpcmake.planner.values import render_value
from hpcmake.planner.waits import Waits
from hpcmake.record import Record
from hpcmake.tasks.paths import normalize
from hpcmake.tasks.rows import SOURCE
from hpcmake.tasks.stamps import Stamps
from hpcmake.tasks.urgency import Urgency
from hpcmake.tasks.wait import Need, Wait
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from hpcmake.model import Tree
    from hpcmake.planner.outside import Outside
    from hpcmake.planner.rules import Campaign
    from hpcmake.planner.scope import Code
    from hpcmake.planner.stale import Choices
    from hpcmake.tasks.history import History


_ITEM = -2
"""In place of a rule's number: what waits is an item of a target."""


class OpenItem(Record):
    """An item of a target that must wait for something to be made."""

    code: Code
    target: str
    needs: tuple[Need, ...]


class Plan(Known):
    """A campaign's tasks, judged; it grows by `advance` when tasks have finished.

    `targets` are names and files as given on the command line; empty: the default target.
    """

    def __init__(
        self,
        campaign: Campaign,
        outside: Outside,
        tree: Tree,
        history: History,
        choices: Choices,
        targets: Sequence[str] = (),
    ) -> None:
        self.campaign = campaign
        self.outside = outside
        self.history = history
        self.graph = Graph(campaign, outside.root)
        self.stamps = Stamps(tree)
        self.judge = Judge(self.graph, history, self.stamps, choices)
        self.judge.definition_of = self.definition_of
        self.judge.row_values = self.row_values
        self.roots: dict[int, None] = {}
        """The files that are wanted for themselves."""
        self.places: list[tuple[Sequence[int], Span]] = []
        """Where in the Wfile each of them stands."""
        self.asked: dict[int, str] = {}
        """The files that the command line names, as it does."""
        self.root_tasks: dict[tuple[int, int], None] = {}
        """Tasks that are wanted for themselves: of a rule with `produces`."""
        self.produced: dict[tuple[int, int], list[str]] = {}
        self.only_absent: set[tuple[int, int]] = set()
        """Tasks that run only since a `temp` file of theirs is absent and wanted: what they make counts as before."""
        self.definitions: dict[int, str] = {}
        self._judged = [0] * len(campaign.rules)
        self._again: dict[int, set[int]] = {}
        self._looked = 0
        self._roots_looked = 0
        self._targets = list(targets)
        self.open_items: dict[int, OpenItem] = {}
        """The items of targets that must wait for something to be made."""
        self._items = 0
        self._changed: dict[int, set[int]] | None = None
        has_maybe = any(item.maybe for rule in campaign.rules for item in rule.inputs)
        self._optional = Optional(self) if has_maybe else None
        self.waits = Waits(self.graph.tables, self._unmet)
        self._standstill = Standstill(self)
        self._late = [_late_codes(rule) for rule in campaign.rules]
        self._open(outside)
        self._want_targets()
        self.settle()

    def _open(self, outside: Outside) -> None:
        """Let expressions read, and tell what is wrong with constants that read."""
        outside.know_rules(self.graph.makers)
        outside.is_ready = self.is_ready
        outside.produced = self.known_produced
        outside.sizes = self._sizes
        outside.was_made = made_elsewhere(self.history, self.campaign)
        mistakes = evaluate_constants(self.campaign, reading=True)
        if mistakes:
            raise Trouble(*dict.fromkeys(mistakes))
        outside.graph = self.graph

    # ------------------------------------------------------------ targets

    def _want_targets(self) -> None:
        targets = self._targets or self._default()
        for target in targets:
            if target in self.campaign.targets:
                self._want_target(target)
            elif target:
                self._want_file(target)

    def _default(self) -> list[str]:
        if self.campaign.targets:
            return [next(iter(self.campaign.targets))]
        if not self.campaign.rules:
            raise Trouble(
                Diagnostic(
                    "E411", "the Wfile has no rules", help='write one: `rule NAME:` with `output: "…"` and `run: …`'
                )
            )
        rule = self.campaign.rules[0]
        if rule.wildcards:
            message = f"the Wfile has no `target`, and its first rule `{rule.name}` has wildcards: what shall be made?"
            help_ = 'write for example `target all: "…"`, or name a file on the command line'
            raise Trouble(Diagnostic("E411", message, rule.span, help=help_))
        for output in rule.outputs:
            number = self.graph.want(output.pattern.literals[0], output.span)
            self.roots[number] = None
            self.places.append(((number,), output.span))
        if not rule.outputs:
            self.root_tasks[rule.number, self.graph.task_by_values(self.graph.tables[rule.number], ())] = None
        return []

    def _want_target(self, name: str) -> None:
        for item in self.campaign.targets[name].items:
            if item.target is not None:
                self._want_target(item.target)
            elif item.code is not None:
                self._want_item(item.code, name)

    def _want_item(self, code: Code, target: str) -> None:
        try:
            filled = code.fill({}) if code.fill is not None else None
            if filled is not None:
                numbers = self.graph.intern(filled.paths, code.span, filled)
            else:
                value = code.run({})
                paths = flat_paths(value if isinstance(value, list) else [value], code.span)
                numbers = self.graph.intern(paths, code.span)
        except Wait as wait:
            number = self._items
            self._items += 1
            self.open_items[number] = OpenItem(code, target, wait.needs)
            self.waits.add([(_ITEM, number)])
            return
        except Trouble as trouble:
            self.graph.troubles += trouble.diagnostics
            return
        self.roots.update(dict.fromkeys(numbers))
        self.places.append((numbers, code.span))

    def _want_file(self, path: str) -> None:
        number = self.graph.want(path, _word(path))
        self.roots[number] = None
        self.asked[number] = path

    # ------------------------------------------------------------ growing

    def settle(self) -> None:
        """Expand, look and judge until nothing more can be known without running something."""
        judged: list[dict[int, Sequence[int]]] = []
        began: list[tuple[int, int]] = []
        while True:
            self.graph.expand()
            rows = self._new_rows()
            self._intern_produced(rows)
            self.stamps.look(self.graph.files)
            self._check_sources()
            if rows:
                judged.append(rows)
                self._wait_for_values(rows)
                if self._optional is not None:
                    self.judge.optional = self._optional.extend(rows)
                self.judge.judge(rows)
                self._check_values(rows)
                self._judge_again(self.judge.take_doubts(rows))
                if self._changed is not None:
                    for number, those in rows.items():
                        self._changed.setdefault(number, set()).update(those)
            self.waits.add(self.graph.began_to_wait)
            began += self.graph.began_to_wait
            self.graph.began_to_wait = []
            self._resume()
            if not self._again and not self.graph.is_growing:
                break
        self._standstill.check(began)
        for table, row in want_absent(self.judge, self._new_roots(), judged):
            self.only_absent.add((table.rule.number, row))
            if self._changed is not None:
                self._changed.setdefault(table.rule.number, set()).add(row)

    def _new_roots(self) -> Sequence[int]:
        """Return the wanted files that have come since this was last asked."""
        if len(self.roots) == self._roots_looked:
            return ()
        found = list(self.roots)[self._roots_looked :]
        self._roots_looked = len(self.roots)
        return found

    def _judge_again(self, tasks: Iterable[tuple[int, int]]) -> None:
        for rule, row in tasks:
            self._again.setdefault(rule, set()).add(row)

    def _look_at_depfiles(self, table: Table, rows: Sequence[int]) -> None:
        index = self.graph.files.index
        pasts = [past for past in (self.judge.past(table, row) for row in rows) if past is not None]
        named = (entry[0] for past in pasts for entry in past.ledger.extras.get(past.row, {}).get("dep", ()))
        self.stamps.look_beside(path for path in named if path not in index)

    def _intern_produced(self, rows: dict[int, Sequence[int]]) -> None:
        """Add what tasks are recorded to have produced to the files that are looked at."""
        for number, those in rows.items():
            table = self.graph.tables[number]
            if table.rule.depfile is not None:
                self._look_at_depfiles(table, those)
            if table.rule.produces is None:
                continue
            for row in those:
                past = self.judge.past(table, row)
                made = self.history.produced(past) if past is not None else None
                if made:
                    self.graph.intern([path for path, _ in made])

    def _new_rows(self) -> dict[int, Sequence[int]]:
        rows: dict[int, Sequence[int]] = {}
        for number, table in enumerate(self.graph.tables):
            if table.count > self._judged[number]:
                rows[number] = range(self._judged[number], table.count)
                self._judged[number] = table.count
            if number in self._again:
                rows[number] = sorted({*rows.get(number, ()), *self._again.pop(number)})
        return rows

    def _check_sources(self) -> None:
        files = self.graph.files
        start, self._looked = self._looked, len(files)
        present = self.stamps.present
        if start == 0 and present.count(0) == 0:
            return
        missing = []
        at = present.find(0, start)
        while at >= 0:
            if files.rule[at] == SOURCE and files.index[files.paths[at]] == at:
                missing.append(at)
            at = present.find(0, at + 1)
        if missing:
            raise missing_sources(self, missing)

    def _check_values(self, rows: dict[int, Sequence[int]]) -> None:
        """Raise Trouble for values that would stop a task only when it runs."""
        found: list[Diagnostic] = []
        for number, those in rows.items():
            found += find_mistakes(self.graph.tables[number], those)
        if found:
            raise Trouble(*dict.fromkeys(found))

    def _wait_for_values(self, rows: dict[int, Sequence[int]]) -> None:
        """Find out which tasks have values in their command that must be waited for."""
        for number, those in rows.items():
            table = self.graph.tables[number]
            try:
                self.definition_of(table)
            except Wait as wait:
                for row in those:
                    self.graph.wait(table, row, wait.needs)
                continue
            codes = self._late[number]
            if not codes:
                continue
            for row in those:
                try:
                    env = self.value_env(table, row)
                    for code in codes:
                        code.run(env)
                except Wait as wait:
                    self.graph.wait(table, row, wait.needs)
                except KeyError:
                    continue  # a name that is known only when the task runs

    def _unmet(self, waiter: tuple[int, int]) -> tuple[int, int] | None:
        """Return a task for which a task, or an item of a target, still has to wait."""
        rule, row = waiter
        needs = self.open_items[row].needs if rule == _ITEM else self.graph.tables[rule].waiting.get(row, ())
        return next((self.maker_task(need) for need in needs if not self.is_met(need)), None)

    def _resume(self) -> None:
        """Take up again what had to wait, where all that it needs is ready."""
        over = self.waits.take()
        for rule, row in over:
            if rule == _ITEM:
                item = self.open_items.pop(row)
                self._want_item(item.code, item.target)
                continue
            table = self.graph.tables[rule]
            needs = table.waiting.get(row)
            if needs is not None:
                self.graph.resume(table, row)
                if table.waiting.get(row) != needs:
                    self._judge_again([(rule, row)])
        if over:
            self.judge.forget_fates()

    def advance(self) -> dict[int, Sequence[int]]:
        """Plan on after tasks have finished; return the rows that are new or were judged anew, by rule."""
        self.judge.forget_fates()
        self._changed = {}
        self.settle()
        changed, self._changed = self._changed, None
        return {number: sorted(rows) for number, rows in changed.items()}

    # ------------------------------------------------------------ views

    def urgency(self, expected: Callable[[str], float]) -> Urgency:
        """Return how urgent tasks are, if one of a rule takes so many seconds."""
        return Urgency(self.graph, expected)

    def depfile_of(self, table: Table, row: int) -> tuple[str, str]:
        """Return the path of a task's depfile, and its working folder, "" for the root."""
        rule, env = table.rule, table.env(row)
        path, workdir = (
            render_value(code.run(dict(env))) if code is not None else "" for code in (rule.depfile, rule.workdir)
        )
        return normalize(path, self.graph.root), workdir

    def stale_in_order(self) -> Iterator[tuple[Table, int]]:
        """Yield the tasks that must run, in an order in which they could."""
        for component in components(self.graph, range(len(self.graph.tables))):
            table = self.graph.tables[component[0]]
            if len(component) == 1 and component[0] not in table.needs:
                for row, state in enumerate(table.state):
                    if is_stale(state):
                        yield table, row
            else:
                rows: dict[int, Sequence[int]] = {rule: range(self.graph.tables[rule].count) for rule in component}
                for rule, row in tasks_in_order(self.graph, rows):
                    if is_stale(self.graph.tables[rule].state[row]):
                        yield self.graph.tables[rule], row

    def unknown(self) -> list[tuple[str, str]]:
        """Return what is known only later: the task that will tell, and the rule whose tasks wait for it."""
        from hpcmake.planner.unknown import unknown_rules

        return unknown_rules(self)

    @property
    def has_unknown(self) -> bool:
        """Whether something is known only later."""
        return bool(self.open_items) or any(table.waiting for table in self.graph.tables)

    def warnings(self) -> list[Diagnostic]:
        """Return what is odd but stops nothing."""
        return [*self.campaign.warnings, *self.graph.warnings.values()]


def _late_codes(rule: object) -> list[Code]:
    """Return the codes of a rule beside its inputs that may have to wait for a file."""
    codes = list(rule.row_values)  # type: ignore[attr-defined]
    for name in ("resources", "values"):
        codes += getattr(rule, name).values()
    codes += [code for _, code in (*rule.env, *rule.site_env)]  # type: ignore[attr-defined]
    codes += [code for code in (rule.workdir, rule.log, rule.depfile) if code is not None]  # type: ignore[attr-defined]
    return [code for code in codes if code.reads]


def _word(text: str) -> Span:
    return Span(Source("the command line", text), 0, len(text))


__all__ = ["Plan", "normalize"]
