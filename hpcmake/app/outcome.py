"""What an attempt has come to: success, failure or neither, and what follows for files and records.

Owns the check of outputs, what was produced, retries and what is moved aside.  Knows nothing of the order of tasks.
"""

from __future__ import annotations

from hpcmake.app.clearing import clear_away
from hpcmake.app.depfiles import read_depfile
from hpcmake.app.tail import read_tail, render_signal
from hpcmake.diagnostics import Trouble, render_all
from hpcmake.model import Ended
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hpcmake.app.drive import Drive
    from hpcmake.app.handed import Handed
    from hpcmake.model import Cut, Stamp
    from hpcmake.planner.graph import Table
    from hpcmake.tasks.wait import Wait

ASIDE = ".hpcmake/aside"
"""Where the outputs of failed and interrupted attempts go; those of the last one are kept."""


class Outcome:
    """Decides what each end of an attempt means.  `latency` is how long an output may take to appear, in seconds."""

    def __init__(self, drive: Drive, *, latency: float) -> None:
        self.drive = drive
        self.latency = latency
        self._has_maybe = False
        self.look_at_rules()
        self._too_big: set[str] = set()
        self.cut = 0
        """Attempts that had begun and were ended early, without being at fault."""
        self.awaited: list[tuple[float, Handed, Ended, list[Stamp | None]]] = []
        """Attempts that have succeeded, and whose outputs have not appeared yet."""
        self._last_failures: dict[tuple[int, int], tuple[Handed | None, Ended | None, dict[str, Any]]] = {}
        self.news = False
        """Whether something was made since the last planning that something unknown may wait for."""

    def look_at_rules(self) -> None:
        """Take note of rules that have come."""
        self._has_maybe = any(item.maybe for rule in self.drive.plan.campaign.rules for item in rule.inputs)

    # ------------------------------------------------------------ ends

    def on_ended(self, handed: Handed, ended: Ended) -> None:
        """An attempt has ended by itself or by its time limit."""
        if ended.strays:
            processes = "1 process" if ended.strays == 1 else f"{ended.strays} processes"
            name = handed.table.name(handed.row)
            self.drive.voice.tell({"kind": "note", "text": f"{name} had left {processes} behind; ended"})
        if ended.status != 0 or ended.why != "exit":
            self._failed(handed, ended)
            return
        rule = handed.table.rule
        if rule.post is not None and "produced" in rule.post.names and not handed.only_post:
            self.drive.post_done.add(handed.task)
            self._hand_out(handed)
            return
        self._check(handed, ended, list(ended.stamps))

    def _check(self, handed: Handed, ended: Ended, stamps: list[Stamp | None]) -> None:
        """Look whether all outputs are there; wait for those that are not, as long as the file system may take."""
        table, row, disk = handed.table, handed.row, self.drive.disk
        paths = self.drive.plan.graph.files.paths
        outputs = table.rule.outputs
        if len(stamps) != len(outputs):  # markers are not among those that the runner looked at
            told = iter(stamps)
            is_told = len(stamps) == sum(not output.touch for output in outputs)
            stamps = [
                None if output.touch else next(told) if is_told else disk.stamp_now(paths[column[row]])
                for output, column in zip(outputs, table.outputs, strict=True)
            ]
        missing = [at for at, stamp in enumerate(stamps) if stamp is None and not outputs[at].touch]
        if not missing:
            self._succeeded(handed, ended, stamps)
        elif self.latency > 0:
            self.awaited.append((self.drive.clock() + self.latency, handed, ended, stamps))
        else:
            self._missing(handed, ended, paths[table.outputs[missing[0]][row]])

    def look_again(self) -> None:
        """Look for outputs that had not appeared."""
        if not self.awaited:
            return
        awaited, self.awaited = self.awaited, []
        paths = self.drive.plan.graph.files.paths
        for deadline, handed, ended, stamps in awaited:
            for at, stamp in enumerate(stamps):
                if stamp is None:
                    stamps[at] = self.drive.disk.stamp_now(paths[handed.table.outputs[at][handed.row]])
            outputs = handed.table.rule.outputs
            missing = [at for at, stamp in enumerate(stamps) if stamp is None and not outputs[at].touch]
            if not missing:
                self._succeeded(handed, ended, stamps)
            elif self.drive.clock() >= deadline:
                self._missing(handed, ended, paths[handed.table.outputs[missing[0]][handed.row]])
            else:
                self.awaited.append((deadline, handed, ended, stamps))

    def without_command(self, handed: Handed) -> None:
        """A task whose every output is `touch` needs no process."""
        self._check(handed, Ended(0, 0, "exit", 0.0, 0.0, 0, 0.0), [])

    def _marked(self, handed: Handed, stamps: list[Stamp | None]) -> list[Stamp]:
        """Make the markers of a task that has made all else; return the stamps of all its outputs."""
        disk, paths = self.drive.disk, self.drive.plan.graph.files.paths
        for at, output in enumerate(handed.table.rule.outputs):
            if output.touch:
                path = paths[handed.table.outputs[at][handed.row]]
                disk.touch(path)
                stamps[at] = disk.stamp_now(path)
        return [stamp for stamp in stamps if stamp is not None]

    def _succeeded(self, handed: Handed, ended: Ended, told: list[Stamp | None]) -> None:
        drive, table, row = self.drive, handed.table, handed.row
        plan, rule = drive.plan, table.rule
        extras: dict[str, Any] = {}
        if rule.depfile is not None:
            try:
                extras["dep"] = read_depfile(plan, drive.disk, table, row)
            except Trouble as trouble:
                self._refused(handed, ended, render_all(trouble.diagnostics))
                return
        stamps = self._marked(handed, told)
        if rule.produces is not None:
            produced = drive.products.now(table, row)
            found = drive.disk.stamp_columns(produced)
            extras["prod"] = [
                [path, mtime, size] for path, mtime, size in zip(produced, found[0], found[1], strict=True)
            ]
            plan.produced[rule.number, row] = produced
            drive.pace.recent.take(produced, zip(found[0], found[1], strict=True))
        alike = self._alike(handed, stamps)
        if alike:
            extras["as"] = alike
        for output, column in zip(rule.outputs, table.outputs, strict=True):
            if output.protect:
                drive.disk.protect(plan.graph.files.paths[column[row]])
        drive.books.success(
            table, row, inputs=handed.inputs, stamps=stamps, ended=ended, attempt=handed.number, extras=extras
        )
        self.settle_stamps(table, row, stamps, alike)
        drive.pace.recent.take((plan.graph.files.paths[column[row]] for column in table.outputs), stamps)
        drive.post_done.discard(handed.task)
        drive.engine.on_done(handed.task)
        drive.temps.on_settled(table, row)
        if plan.has_unknown:
            self.news = True
        drive.voice.tell(
            {
                "kind": "done",
                "task": table.name(row),
                "rule": rule.name,
                "attempt": handed.number,
                "wall": round(ended.wall, 3),
                "cpu": round(ended.cpu, 3),
                "rss": ended.rss,
                "outputs": [plan.graph.files.paths[column[row]] for column in table.outputs]
                + list(plan.produced.get((rule.number, row), ())),
            }
        )

    def settle_stamps(self, table: Table, row: int, stamps: list[Stamp], alike: dict[str, Any]) -> None:
        """Let the plan know what outputs look like now."""
        plan = self.drive.plan
        paths = plan.graph.files.paths
        for column, stamp in zip(table.outputs, stamps, strict=True):
            path = paths[column[row]]
            plan.outside.forget(path)
            plan.stamps.put(column[row], tuple(alike[path]) if path in alike else stamp)
        if table.rule.produces is not None:
            for path in plan.produced.get((table.rule.number, row), ()):
                plan.outside.forget(path)
                number = plan.graph.files.index.get(path)
                if number is not None:
                    plan.stamps.put(number, self.drive.disk.stamp_now(path))

    def _alike(self, handed: Handed, stamps: list[Stamp]) -> dict[str, Any]:
        """Return, for `temp` files made again only since they were absent, the stamps that they count as having."""
        plan = self.drive.plan
        table, row = handed.table, handed.row
        if (table.rule.number, row) not in plan.only_absent:
            return {}
        past = plan.judge.past(table, row)
        if past is None:
            return {}
        before = past.ledger.extras.get(past.row, {}).get("as", {})
        then = dict(plan.history.made_paths(past))
        alike = {}
        for output, column, stamp in zip(table.rule.outputs, table.outputs, stamps, strict=True):
            path = plan.graph.files.paths[column[row]]
            if path in then and (output.temp or then[path] == stamp):
                alike[path] = list(before.get(path, then[path]))
        return alike

    # ------------------------------------------------------------ failures

    def _failed(self, handed: Handed, ended: Ended) -> None:
        if ended.why == "time":
            limit = handed.attempt.resources.time if handed.attempt is not None else None
            words = f"ended by its time limit of {render_duration(limit)}" if limit else "ended by its time limit"
        elif ended.why == "node":
            words = "the nodes on which it ran were lost, each time"
        elif ended.status < 0:
            words = f"ended by signal {-ended.status}" + render_signal(-ended.status)
        else:
            words = f"exit {ended.status}"
        if ended.why == "post":
            words = f"`post`: {words}"
            self.drive.post_done.add(handed.task)
        else:
            self.drive.post_done.discard(handed.task)
        self._fail(handed, ended, ended.why, words)

    def _missing(self, handed: Handed, ended: Ended, path: str) -> None:
        self.drive.post_done.discard(handed.task)
        waited = f", and did not appear within {render_duration(self.latency)}" if self.latency else ""
        words = f"the command succeeded, but {path} is not there{waited}"
        self._fail(handed, ended.replace(why="missing output"), "missing output", words, file=path)

    def _refused(self, handed: Handed, ended: Ended, words: str) -> None:
        self._fail(handed, ended.replace(why="depfile"), "depfile", words)

    def _fail(self, handed: Handed, ended: Ended, why: str, words: str, file: str | None = None) -> None:
        drive, table, row = self.drive, handed.table, handed.row
        keeps_run = handed.task in drive.post_done
        extras: dict[str, Any] = {"file": file} if file is not None else {}
        if self._has_maybe and drive.engine.is_last(handed.task):
            extras["final"] = 1  # if it is wanted as `maybe` only the next time, it is not tried again
        if not keeps_run or drive.engine.is_last(handed.task):
            self._outputs_aside(handed)  # before the record: a task that has failed for good may not come here again
        drive.books.failure(table, row, kind="fail", ended=ended, attempt=handed.number, extras=extras)
        self._last_failures[table.rule.number, row] = (handed, ended, extras)
        fate = drive.engine.on_failure(handed.task)
        row_ = {
            "kind": "failed",
            "task": table.name(row),
            "rule": table.rule.name,
            "attempt": handed.number,
            "status": ended.status,
            "why": why,
            "words": words,
            "wall": round(ended.wall, 3),
            "log": ended.log[0] if ended.log else None,
            "tail": read_tail(ended.log),
            "again": fate == "again",
            "rerun": drive.rerun(self._handle(table, row)),
        }
        if ended.log and table.rule.log is None:
            # that file holds the output of other tasks too
            row_["show"] = "hpcmake log" + drive.rerun(self._handle(table, row)).removeprefix("hpcmake")
        drive.voice.tell(row_)
        if fate == "again":
            self._try_again(handed)
        else:
            drive.post_done.discard(handed.task)
            if keeps_run:
                self._outputs_aside(handed)

    def _try_again(self, handed: Handed) -> None:
        if self.drive.signals:  # it has failed, and nothing more is started
            self.drive.engine.on_cut(handed.task, again=False)
            return
        handed.number += 1
        self._hand_out(handed)

    def _hand_out(self, handed: Handed) -> None:
        """Hand out what is next of a task that is in hand: another try, or its post alone."""
        drive = self.drive
        handed.began = False
        try:
            produced = None
            if handed.task not in drive.post_done:
                clear_away(drive, handed)
            elif handed.table.rule.produces is not None:
                produced = drive.products.now(handed.table, handed.row)
            drive.hand_out(drive.attempt_of(handed, produced=produced))
        except Trouble as trouble:
            self.impossible(handed.task, trouble)
            self._outputs_aside(handed)

    def impossible(self, task: int, trouble: Trouble | Wait) -> None:
        """A command that cannot be made from its values fails without having run."""
        drive = self.drive
        table, row = drive.engine.table(task), drive.engine.row[task]
        words = render_all(trouble.diagnostics) if isinstance(trouble, Trouble) else f"it needs {trouble}"
        while drive.engine.on_failure(task) == "again":
            continue
        drive.books.failure(table, row, kind="fail", ended=None, attempt=1, extras={"why": "command"})
        drive.voice.tell(
            {
                "kind": "failed",
                "task": table.name(row),
                "rule": table.rule.name,
                "attempt": 1,
                "status": 2,
                "why": "command",
                "words": words.rstrip("\n"),
                "wall": 0.0,
                "log": None,
                "tail": [],
                "again": False,
                "rerun": drive.rerun(self._handle(table, row)),
            }
        )

    def write_given_up(self, table: Table, row: int) -> None:
        """Write down that a task is given up, with its last failure if it was run itself."""
        handed, ended, extras = self._last_failures.pop((table.rule.number, row), (None, None, {}))
        number = handed.number if handed is not None else 0
        self.drive.books.failure(table, row, kind="gave up", ended=ended, attempt=number, extras=extras)

    def on_cut(self, handed: Handed, cut: Cut) -> None:
        """An attempt was cut, without being at fault."""
        drive, table, row = self.drive, handed.table, handed.row
        again = cut.why in {"node", "launcher", "forgotten"} and not drive.signals
        has_run = handed.task in drive.post_done
        if again and cut.why == "forgotten" and (handed.number > 1 or has_run):
            self._hand_out(handed)  # it is in hand, though nothing else may be started any more
            return
        if handed.began or cut.elapsed or has_run:
            drive.post_done.discard(handed.task)
            self.cut += 1
            extras = {"why": cut.why, "e": round(cut.elapsed, 3)}
            drive.books.failure(table, row, kind="cut", ended=None, attempt=handed.number, extras=extras)
            self._outputs_aside(handed)
            drive.voice.tell(
                {
                    "kind": "cut",
                    "task": table.name(row),
                    "rule": table.rule.name,
                    "attempt": handed.number,
                    "why": cut.why,
                }
            )
        elif drive.plan.judge.past(table, row) is not None:
            # it was announced, and never began: what it made before counts as before
            drive.books.write({"k": "unlaunch", "ts": [table.name(row)]})
        if cut.why == "size":
            self._tell_too_big(handed)
        drive.engine.on_cut(handed.task, again=again)

    def _tell_too_big(self, handed: Handed) -> None:
        """Tell, once for each rule, that a task is left for nodes that can hold it."""
        rule = handed.table.rule.name
        if rule not in self._too_big:
            self._too_big.add(rule)
            name = handed.table.name(handed.row)
            text = f"{name} fits on none of the nodes that are left, nor do perhaps others of its rule: it is left"
            self.drive.voice.tell({"kind": "note", "text": text})

    # ------------------------------------------------------------ files

    def _outputs_aside(self, handed: Handed) -> None:
        """Move aside what a failed attempt has left; what an earlier success made and nothing touched stays."""
        drive, table, row = self.drive, handed.table, handed.row
        paths = drive.plan.graph.files.paths
        befores = handed.before or [None] * len(table.outputs)
        for output, column, before in zip(table.rule.outputs, table.outputs, befores, strict=True):
            path = paths[column[row]]
            now = drive.disk.stamp_now(path)
            if now is not None and now != before:
                self.put_aside(path)
                now = None
            elif now is not None and output.protect:
                drive.disk.protect(path)
            drive.plan.stamps.put(column[row], now)
        if table.rule.produces is not None:
            self._produced_aside(table, row)

    def put_aside(self, path: str) -> None:
        """Move a file out of the way, where it can be looked at."""
        self.drive.disk.move_aside(path, ASIDE)

    def _produced_aside(self, table: Table, row: int) -> None:
        """Move aside what an attempt has produced, since it has not succeeded."""
        for path in self.drive.products.now(table, row):
            self.put_aside(path)
        self.drive.products.forget()

    def _handle(self, table: Table, row: int) -> str:
        """Return what to type to run just this task: a file that it makes.

        Empty if none can be named, since what it makes is known only when it has run.
        """
        if table.outputs:
            return self.drive.plan.graph.files.paths[table.outputs[0][row]]
        return ""
