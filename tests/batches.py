"""Batches of made-up campaigns: a plan is written as a batch, read back as a job does, and both are asked the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from campaigns import Campaign

from hpcmake.engine import Engine
from hpcmake.jobs.batch_attempts import BatchAttempts
from hpcmake.jobs.batch_plan import BatchPlan
from hpcmake.lines import parse_records, render_record
from hpcmake.model import LAUNCH
from hpcmake.planner.attempts import Attempts
from hpcmake.planner.batch_rows import BatchRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hpcmake.jobs.batch_tables import BatchTable
    from hpcmake.model import Attempt
    from hpcmake.planner.rows import Table

LISTS = ".hpcmake/jobs/hm12345-0001-ab/lists"


class Batch:
    """A plan, a batch with some of its tasks (all that must run, if they are not named), and the batch's bytes."""

    def __init__(
        self,
        campaign: Campaign,
        *,
        only: Callable[[str], bool] = lambda _: True,
        retries: int = 0,
        tried: str = "",
        **choices: Any,
    ) -> None:
        self.campaign = campaign
        self.retries = retries
        self.plan = campaign.plan(**choices)
        self.attempts = Attempts(self.plan, site="theta", launch=lambda _: (LAUNCH,))
        self.attempts.lists_in = LISTS
        counts = {(table.rule.number, row): 1 for table, row in self.plan.stale_in_order() if table.name(row) == tried}
        preview = Attempts(self.plan, site="theta", launch=lambda _: ("aprun", "for", "people"))
        self.rows = BatchRows(self.plan, preview, retries=retries, tried=counts)
        self.rows.attempts.lists_in = LISTS
        found = [(table, row) for table, row in self.plan.stale_in_order() if only(table.name(row))]
        self.tasks = sorted(found, key=lambda task: (task[0].rule.number, task[1]))
        self.raw = b""
        self.job = BatchPlan(campaign.tree, campaign.root)
        self.job_attempts = BatchAttempts(self.job)
        self.give(self.tasks)

    def give(self, tasks: Sequence[tuple[Table, int]]) -> dict[int, Sequence[int]]:
        """Write a piece with these tasks, and let the job read it."""
        head = {"k": "batch", "v": 1}
        raw = b"".join(map(render_record, [head, *self.rows.make(tasks), {"k": "end"}]))
        self.raw += raw
        records, damage = parse_records(raw, "batch.jsonl")
        assert not damage
        return self.job.take(records)

    @property
    def records(self) -> list[dict[str, Any]]:
        """What stands in the batch."""
        return parse_records(self.raw, "batch.jsonl")[0]

    def kind(self, kind: str) -> list[dict[str, Any]]:
        """Return the records of one kind."""
        return [record for record in self.records if record["k"] == kind]

    def find(self, name: str) -> tuple[BatchTable, int]:
        """Return where a task stands in the job."""
        for table in self.job.graph.tables:
            for row in range(table.count):
                if table.name(row) == name and table not in self.job.elsewhere:
                    return table, row
        raise KeyError(name)

    def table(self, rule: str) -> dict[str, tuple[object, ...]]:
        """Return what the job knows of the tasks of a rule."""
        (table,) = [each for each in self.job.graph.tables if each.rule.name == rule]
        paths = self.job.graph.files.paths
        return {
            table.name(row): (
                table.state[row],
                [paths[column[row]] for column in table.outputs],
                [[paths[number] for number in self.job.judge.members(column[row])] for column in table.inputs],
                table.more.get(row),
                self.job.judge.explain(table, row),
            )
            for row in range(table.count)
        }

    def of(self, name: str) -> tuple[Table, int]:
        """Return where a task stands in the plan."""
        return next((table, row) for table, row in self.tasks if table.name(row) == name)

    # ------------------------------------------------------------ attempts

    def pair(self, name: str, **more: Any) -> tuple[Attempt, Attempt]:
        """Return an attempt of a task as the planner makes it, and as the job does."""
        number = more.pop("number", 1)
        found = []
        for attempts, place in ((self.attempts, self.of(name)), (self.job_attempts, self.find(name))):
            attempts.lists.clear()
            maker: Any = attempts
            attempt = maker.make(*place, id=7, number=number, holds=True, **more)
            found.append(self._plain(attempt, attempts.lists))
        return found[0], found[1]

    def _plain(self, attempt: Attempt, lists: Iterable[tuple[str, list[str]]]) -> Attempt:
        """Return an attempt in which the names of files of lists are what they hold."""
        script, argv, post = attempt.script, attempt.argv, attempt.post
        for at, (path, items) in enumerate(lists):
            name = path.rpartition("/")[2]
            told = f"<list {at}: {items}>"
            assert path.startswith(LISTS)
            script, post = script.replace(name, told), post.replace(name, told)
            argv = None if argv is None else tuple(word.replace(name, told) for word in argv)
        return attempt.replace(script=script, argv=argv, post=post)

    def check_attempts(self) -> int:
        """Compare all attempts of all tasks; return how many there are."""
        count = 0
        for table, row in self.tasks:
            name = table.name(row)
            at_job = self.find(name)
            retries = self.attempts.resources(table, row, 1)[1].get("retries", self.retries)
            assert self.job_attempts.resources(*at_job, 1)[1].get("retries", 0) == retries
            for number in range(1, retries + 2):
                here, there = self.pair(name, number=number)
                assert here == there
                told, known = self.attempts.resources(table, row, number), self.job_attempts.resources(*at_job, number)
                assert told[0] == known[0]
                assert {"retries": self.retries, "priority": 0} | told[1] == {"retries": 0, "priority": 0} | known[1]
                if table.rule.post is not None:
                    made = ["x 1", "y'2"] if table.rule.produces is not None else None
                    here, there = self.pair(name, number=number, only_post=True, produced=made)
                    assert here == there
                count += 1
        return count

    # ------------------------------------------------------------ the engine

    def engine(self, plan: Any, attempts: Any, *, retries: int = 0) -> Engine:
        """Return the engine of a plan or of a batch; rules take as many seconds as their names have letters."""
        return Engine(
            plan,
            expected=len,
            retries=lambda table, row: attempts.resources(table, row, 1)[1].get("retries", retries),
            priority=lambda table, row: attempts.resources(table, row, 1)[1].get("priority", 0),
            at_once=lambda table: attempts.resources(table, 0, 1)[1].get("at_once"),
            keep_going=True,
        )


class Race:
    """The engine over a plan and the engine over a batch of it: they are told the same, and must say the same."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.engines = (
            batch.engine(batch.plan, batch.attempts, retries=batch.retries),
            batch.engine(batch.job, batch.job_attempts),
        )
        count = sum(table.count for table in batch.plan.graph.tables)
        self.is_whole = len(batch.tasks) == count
        """Whether the batch holds all tasks of the plan: else a job may find others more urgent."""
        self.running: list[tuple[int, int]] = []
        self.story: list[str] = []

    def hand_out(self, most: int) -> list[str]:
        """Ask both what is next; return the names."""
        one, two = (engine.next_tasks(most if self.is_whole else 1000) for engine in self.engines)
        if not self.is_whole:
            one.sort(key=self.engines[0].name)
            two.sort(key=self.engines[1].name)
        names = [self.engines[0].name(task) for task in one]
        assert [self.engines[1].name(task) for task in two] == names
        self.running += zip(one, two, strict=True)
        for name, (task, other) in zip(names, self.running[-len(names) :] if names else (), strict=True):
            if self.batch.plan.campaign.by_name[name.partition("[")[0]].run is not None:
                tries = self.engines[0].tries[task] + 1
                assert self.engines[1].tries[other] + 1 == tries
                here, there = map(squeezed, self.batch.pair(name, number=tries))
                assert here == there, self.story
        self.story += names
        return names

    def end(self, at: int, *, fails: bool) -> None:
        """Let one of those that run come to its end."""
        task, other = self.running.pop(at)
        plan, job, campaign = self.batch.plan, self.batch.job, self.batch.campaign
        name = self.engines[0].name(task)
        if fails:
            fates = [engine.on_failure(each) for engine, each in zip(self.engines, (task, other), strict=True)]
            assert fates[0] == fates[1], name
            if fates[0] == "again":
                self.running.append((task, other))
        else:
            place = self.batch.of(name)
            campaign.succeed(plan, *place)
            job.history.take(campaign.records[-3:])
            self._note(plan, *place)
            self._note(job, *self.batch.find(name))
            for engine, each in zip(self.engines, (task, other), strict=True):
                engine.on_done(each)
        self.check()

    def _note(self, plan: Any, table: Any, row: int) -> None:
        tree = self.batch.campaign.tree
        for column in table.outputs:
            plan.stamps.put(column[row], tree._stamp(plan.graph.files.paths[column[row]]))

    def check(self) -> None:
        """Compare what was settled without a run, and what is left."""
        told = [
            sorted((engine.name(each.task), each.fate) for each in engine.take_settled()) for engine in self.engines
        ]
        assert told[0] == told[1], self.story
        assert [sorted(map(engine.name, engine.left())) for engine in self.engines[:1]] == [
            sorted(map(engine.name, engine.left())) for engine in self.engines[1:]
        ]
        assert self.engines[0].counts == self.engines[1].counts

    def run(
        self, *, at_once: int = 3, fail: Iterable[str] = (), order: Callable[[int], int] = lambda _: 0
    ) -> list[str]:
        """Run to the end; return the names of what ran, in order."""
        failing = set(fail)
        self.check()
        while True:
            self.hand_out(at_once - len(self.running))
            if not self.running:
                return self.story
            at = order(len(self.running))
            self.end(at, fails=self.engines[0].name(self.running[at][0]) in failing)


def squeezed(attempt: Attempt) -> Attempt:
    """Return an attempt less the blanks that stay where a list of words has become empty."""
    script, post = (re.sub(" +", " ", text).replace(" \n", "\n") for text in (attempt.script, attempt.post))
    return attempt.replace(script=script, post=post)


def batch_of(wfile: str, files: Mapping[str, str] | Iterable[str] = (), **more: Any) -> Batch:
    """Return the batch of a campaign that was never run."""
    return Batch(Campaign(wfile, files), **more)
