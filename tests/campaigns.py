"""Campaigns on a disk that is made up: a Wfile and some files in memory, planned, and run by pretending.

A `Campaign` plans as the driver does, and `run` writes what the driver would have recorded.  No process is started.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any
from zlib import crc32

from hpcmake.diagnostics import Diagnostic, Trouble, render_all
from hpcmake.parser.parse import parse
from hpcmake.planner.outside import Outside, find_matching
from hpcmake.planner.plan import Plan
from hpcmake.planner.resolve import resolve
from hpcmake.planner.stale import GIVEN_UP, Choices
from hpcmake.planner.values import plain_of
from hpcmake.tasks.digests import digest_of
from hpcmake.tasks.history import History
from hpcmake.text import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hpcmake import syntax
    from hpcmake.model import Stamp
    from hpcmake.planner.graph import Table
    from hpcmake.planner.rules import Campaign as Resolved


class Tree:
    """Files in memory, as `model.Tree` sees them.  Every change takes one tick of a clock; what it costs is counted."""

    def __init__(self, files: Mapping[str, str] | None = None) -> None:
        self.clock = 1000
        self.files: dict[str, tuple[bytes, int]] = {}
        self.folders: set[str] = set()
        self.listings: Counter[str] = Counter()
        self.stats: Counter[str] = Counter()
        self.reads: Counter[str] = Counter()
        for path, text in (files or {}).items():
            self.write(path, text)

    def write(self, path: str, text: str = "", *, same_time: bool = False) -> None:
        """Write a file, newer than all others; a path that ends in a slash is an empty folder."""
        self.clock += 1
        if path.endswith("/"):
            self.folders.add(path.rstrip("/"))
            return
        before = self.files.get(path)
        mtime = before[1] if same_time and before is not None else self.clock
        self.files[path] = (text.encode(), mtime)

    def touch(self, path: str) -> None:
        """Change the time of a file, not what it holds."""
        self.clock += 1
        self.files[path] = (self.files[path][0], self.clock)

    def remove(self, *paths: str) -> None:
        """Remove files, or whole folders."""
        for path in paths:
            for each in [each for each in self.files if each == path or each.startswith(path.rstrip("/") + "/")]:
                del self.files[each]

    def text(self, path: str) -> str:
        """Return what a file holds."""
        return self.files[path][0].decode()

    def _inside(self, folder: str) -> list[str]:
        lead = folder.rstrip("/") + "/" if folder not in {"", "."} else ""
        return sorted(path for path in {*self.files, *self.folders} if path.startswith(lead))

    # ------------------------------------------------------------ as a Tree

    def names(self, folder: str) -> dict[str, bool] | None:
        """Return what a folder holds, each with whether it is a folder."""
        self.listings[folder] += 1
        inside = self._inside(folder)
        lead = 0 if folder in {"", "."} else len(folder.rstrip("/")) + 1
        if not inside and folder not in {"", "."} and folder.rstrip("/") not in self.folders:
            return None
        found: dict[str, bool] = {}
        # a listing comes in no order: what depends on one is found out
        for path in sorted(inside, key=lambda each: crc32(each.encode(errors="surrogateescape"))):
            name, slash, _ = path[lead:].partition("/")
            found[name] = bool(slash) or path in self.folders or found.get(name, False)
        return found

    def _stamp(self, path: str) -> Stamp | None:
        self.stats[path] += 1
        if path in self.files:
            content, mtime = self.files[path]
            return mtime, len(content)
        inside = self._inside(path)
        if inside or path.rstrip("/") in self.folders:
            files = [(each, self.files[each]) for each in inside if each in self.files]
            words = repr([(each, mtime, len(content)) for each, (content, mtime) in files])
            return crc32(words.encode()), sum(len(content) for _, (content, _) in files)
        return None

    def stamps(self, paths: Sequence[str]) -> list[Stamp | None]:
        """Return stamps, None where nothing is."""
        return [self._stamp(path) for path in paths]

    def stamp_columns(self, paths: Sequence[str]) -> tuple[array[int], array[int], bytearray]:
        """Return stamps as columns."""
        found = self.stamps(paths)
        mtimes = array("q", [-1 if stamp is None else stamp[0] for stamp in found])
        sizes = array("q", [0 if stamp is None else stamp[1] for stamp in found])
        return mtimes, sizes, bytearray(stamp is not None for stamp in found)

    def read(self, path: str) -> bytes:
        """Return what a file holds."""
        self.reads[path] += 1
        if path not in self.files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.files[path][0]

    def digest(self, path: str) -> str:
        """Return a hash of what a file or a folder holds."""
        if path in self.files:
            return f"{crc32(self.files[path][0]):08x}"
        return "|".join(f"{each}:{crc32(self.files[each][0]):08x}" for each in self._inside(path) if each in self.files)


class Loader:
    """Includes, found and read in a tree."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def find(self, pattern: str) -> list[str]:
        """Return the files of a plain path or a glob."""
        from fnmatch import fnmatchcase

        return sorted(path for path in self.tree.files if path == pattern or fnmatchcase(path, pattern))

    def parse(self, path: str) -> syntax.Wfile:
        """Return a parsed file."""
        return parse(Source(path, self.tree.text(path)))

    def nearest(self, path: str) -> str:
        """Return a hint for a path that is not there."""
        from hpcmake.planner.outside import nearest_path

        return nearest_path(self.tree, path)


class Campaign:
    """A Wfile, its files, and what was recorded of earlier runs."""

    def __init__(self, wfile: str, files: Mapping[str, str] | Iterable[str] = (), *, journal: bool = True) -> None:
        self.wfile = wfile
        given = files if hasattr(files, "items") else dict.fromkeys(files, "")
        self.tree = Tree(given)  # type: ignore[arg-type]  # a mapping by now
        self.history = History()
        self.history.exists = journal
        self.records: list[dict[str, Any]] = []
        self.params: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.site = "local"
        self.root = "/campaign"
        self.depends: dict[str, list[str]] = {}
        """What the depfile of a task will name."""
        self.makes: dict[str, Callable[[str], Iterable[str]] | Iterable[str]] = {}
        """What a task of a rule with `produces` will make, by the name of the task."""
        self.content: Callable[[str, str, str], str] = lambda task, path, inputs: (
            f"{task} {path} {crc32(inputs.encode())}"
        )

    # ------------------------------------------------------------ planning

    def _resolve(self, ready: Iterable[str]) -> tuple[Resolved, Outside]:
        outside = Outside(self.tree, self.variables, self.root)
        campaign = resolve(
            parse(Source("Wfile", self.wfile)),
            outside,
            Loader(self.tree),
            overrides=self.params,
            site=self.site,
            ready=ready,
        )
        return campaign, outside

    def plan(self, *targets: str, **choices: Any) -> Plan:
        """Return the plan; `choices` are those of the command line (`always`, `rules`, `new`, `old`, `omit`, …)."""
        named: dict[str, Any] = {name: frozenset(value) if name in _SETS else value for name, value in choices.items()}
        ready: list[str] = []
        while True:
            campaign, outside = self._resolve(ready)
            if campaign.generated:  # includes that rules make come before all else
                paths = [path for path, _ in campaign.generated]
                plan = Plan(campaign, outside, self.tree, self.history, Choices(**named), paths)
                if any(True for _ in plan.stale_in_order()) or not set(paths) - set(ready):
                    return plan
                ready += paths
                continue
            return Plan(campaign, outside, self.tree, self.history, Choices(**named), targets)

    def stale(self, *targets: str, **choices: Any) -> dict[str, str]:
        """Return the tasks that must run, each with its reason in words, in an order in which they could."""
        plan = self.plan(*targets, **choices)
        return {table.name(row): reason_of(plan, table, row) for table, row in plan.stale_in_order()}

    def tasks(self, *targets: str) -> list[str]:
        """Return the names of all tasks that are planned, sorted."""
        return names_of(self.plan(*targets))

    def inputs(self, task: str, *targets: str) -> list[str]:
        """Return the inputs of a task, in order."""
        plan = self.plan(*targets)
        table, row = find_task(plan, task)
        return [plan.graph.files.paths[number] for number in plan.graph.inputs_of(table, row)]

    def trouble(self, *targets: str, **choices: Any) -> str:
        """Return, as it is shown, what is wrong with the campaign; the empty text if nothing is."""
        try:
            self.plan(*targets, **choices)
        except Trouble as trouble:
            return render_all(trouble.diagnostics)
        return ""

    def warnings(self, *targets: str) -> str:
        """Return, as they are shown, the warnings about a campaign that can be planned."""
        return render_all(self.plan(*targets).warnings())

    # ------------------------------------------------------------ pretending to run

    def run(self, *targets: str, fail: Iterable[str] = (), only: int | None = None, **choices: Any) -> list[str]:
        """Run until nothing is stale, as with `-k`, and return the names of what ran, in order.

        Tasks in `fail` fail.  `only` stops after so many tasks.
        """
        ran: list[str] = []
        failed = set(fail)
        tried: set[str] = set()
        while only is None or len(ran) < only:
            plan = self.plan(*targets, **(choices if not ran else {}))
            found = next(
                (
                    (table, row)
                    for table, row in plan.stale_in_order()
                    if table.name(row) not in tried and self._can_run(plan, table, row)
                ),
                None,
            )
            if found is None:
                return ran
            name = found[0].name(found[1])
            ran.append(name)
            if name in failed:
                tried.add(name)
                self.fail(plan, *found)
            else:
                self.succeed(plan, *found)
        return ran

    def _can_run(self, plan: Plan, table: Table, row: int) -> bool:
        return all(
            plan.stamps.present[number] for number in plan.graph.inputs_of(table, row) if plan.judge.will[number] != 3
        )

    def take(self, *records: dict[str, Any]) -> None:
        """Add records to the journal."""
        self.records += records
        self.history.take(records)

    def succeed(self, plan: Plan, table: Table, row: int) -> None:
        """Let a task make its outputs, and record it."""
        name = table.name(row)
        paths = plan.graph.files.paths
        taken = [paths[number] for number in plan.judge.effective_inputs(table, row)]
        seen = "\n".join(self.tree.text(path) if path in self.tree.files else path for path in taken)
        before = recorded_inputs(plan, table, row)
        outputs = [paths[column[row]] for column in table.outputs]
        for path in outputs:
            self.tree.write(path + "made" if path.endswith("/") else path, self.content(name, path, seen))
        record: dict[str, Any] = {"k": "ok", "t": name, "c": plan.definition_of(table), "a": 1, "w": 1.0}
        if table.rule.row_values:
            record["v"] = plan.row_values(table, row)
        record["in"], sets = before
        record["out"] = [[path, *(self.tree._stamp(path) or ())] for path in outputs]
        if name in self.depends:
            record["dep"] = [[path, *(self.tree._stamp(path) or ())] for path in self.depends[name]]
        if table.rule.produces is not None:
            record["prod"] = self._produce(table, row, name)
        self.take({"k": "def", "id": record["c"], "of": table.rule.definition()}, *sets, record)

    def _produce(self, table: Table, row: int, name: str) -> list[list[object]]:
        pattern = table.rule.produces
        assert pattern is not None
        bound = pattern.bind(dict(zip(table.rule.wildcards, table.values(row), strict=True)))
        for path in find_matching(self.tree, bound):
            self.tree.remove(path)
        made = self.makes.get(name, ())
        for path in made(name) if callable(made) else made:
            self.tree.write(path, f"{name} {path}")
        return [[path, *(self.tree._stamp(path) or ())] for path in sorted(find_matching(self.tree, bound))]

    def fail(self, plan: Plan, table: Table, row: int, *, why: str = "exit", status: int = 1) -> None:
        """Let a task fail for good, and record it."""
        optional = plan.judge.optional.get(table.rule.number)
        if optional is not None and optional[row]:
            values = plan.row_values(table, row) if table.rule.row_values else []
            definition = plan.definition_of(table)
            self.take(
                {"k": "def", "id": definition, "of": table.rule.definition()},
                {"k": "gave up", "t": table.name(row), "c": definition, "v": values, "why": why, "rc": status,
                 "in": plan.judge.plain_inputs(table, row)},
            )  # fmt: skip
        else:
            self.take({"k": "fail", "t": table.name(row), "a": 1, "rc": status, "why": why})

    def given_up(self, *targets: str) -> list[str]:
        """Return the tasks that are given up."""
        plan = self.plan(*targets)
        return [t.name(row) for t in plan.graph.tables for row in range(t.count) if t.state[row] == GIVEN_UP]


_SETS = frozenset({"rules", "new", "old", "omit"})


def reason_of(plan: Plan, table: Table, row: int) -> str:
    """Return in words why a task must run."""
    reason = plan.judge.explain(table, row)
    assert reason is not None
    return reason.words()


def names_of(plan: Plan) -> list[str]:
    """Return the names of all tasks of a plan, sorted."""
    return sorted(table.name(row) for table in plan.graph.tables for row in range(table.count))


def find_task(plan: Plan, name: str) -> tuple[Table, int]:
    """Return where a task stands."""
    for table in plan.graph.tables:
        for row in range(table.count):
            if table.name(row) == name:
                return table, row
    raise KeyError(name)


def recorded_inputs(plan: Plan, table: Table, row: int) -> tuple[list[object], list[dict[str, Any]]]:
    """Return what a task takes as a record holds it, and the records of its sets."""
    paths = plan.graph.files.paths
    entries: list[object] = []
    sets = []

    def entry(number: int, *, order: bool) -> list[object]:
        return [paths[number]] if order else [paths[number], *(plan.stamps.stamp(number) or (-1, -1))]

    for item, column in zip(table.rule.inputs, table.inputs, strict=True):
        found = column[row]
        if found >= 0:
            if not (item.maybe and plan.judge.will[found] == 3):
                entries.append(entry(found, order=item.order))
            continue
        members = [n for n in plan.graph.group(found) if not (item.maybe and plan.judge.will[n] == 3)]
        files = [entry(number, order=item.order) for number in members]
        name = digest_of(files)
        entries.append({"set": name})
        sets.append({"k": "set", "id": name, "files": files})
    return entries, sets


def troubles_of(wfile: str, files: Mapping[str, str] | Iterable[str] = (), *targets: str) -> list[Diagnostic]:
    """Return the mistakes of a campaign as values."""
    try:
        plan = Campaign(wfile, files).plan(*targets)
    except Trouble as trouble:
        return list(trouble.diagnostics)
    return plan.warnings()


def value_of(expression: str, files: Mapping[str, str] | None = None, *, where: str = "", **variables: str) -> object:
    """Return the value of an expression, as JSON knows it: durations in seconds, sizes in bytes."""
    campaign = Campaign(f"{where}\nlet value = {expression}\ntarget all: 'a'\n", files or {})
    campaign.variables = variables
    return plain_of(campaign._resolve(())[0].constants["value"]())


def mistake_of(expression: str, files: Mapping[str, str] | None = None, *, where: str = "") -> str:
    """Return code and message of the mistake in an expression."""
    found = troubles_of(f"{where}\nlet value = {expression}\ntarget all: 'a'\n", {"a": "", **(files or {})})
    assert len(found) == 1
    return f"{found[0].code} {found[0].message}"
