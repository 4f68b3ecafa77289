"""Settling jobs: of which nothing more will come, what that leaves, what never starts, and what all has cost.

Owns the list of jobs that have ended, and what follows from it for the next ones.  Knows nothing of how work is packed.
"""

from __future__ import annotations

import os
import time

from hpcmake.jobs.fates import Lost, Over, Queued
from hpcmake.jobs.recall import Ended, committed, find_poison, order_to_stop, take_back
from hpcmake.jobs.settled import Settled
from hpcmake.runners.schedulers.jobs import DoNotKnow
from hpcmake.tasks.states import is_stale
from hpcmake.tasks.wait import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.app.queue.step import QueueRun
    from hpcmake.jobs.fates import Fate
    from hpcmake.jobs.recall import Poison


class Settling:
    """What has become of the jobs of a run, and what they have cost."""

    def __init__(self, run: QueueRun) -> None:
        self.run = run
        self.ended = [_ended(each) for each in run.board.settled.values() if run.is_of_run(each.key)]
        self.attached: set[str] = set()
        """Jobs that were there when this process began to drive."""
        self._stuck: frozenset[str] = frozenset()
        self._told: set[str] = set()

    def find_poison(self) -> Poison | None:
        """Return whether jobs end here without having done anything, one after the other."""
        return find_poison(self.ended)

    def settle(self) -> bool:
        """Settle what has ended; tell whether any job had tasks, which others may have now.  Raises Trouble."""
        run, board = self.run, self.run.board
        is_free = False
        for key, fate in list(board.fates.items()):
            if key in board.settled or fate.is_living:
                continue
            folder, reading = board.folders[key], board.readings[key]
            claim = reading.claims[-1] if reading.claims else None
            if reading.closed is None and not folder.close(fate.words(time.time()), ended=claim):
                continue  # a new start of it has claimed it
            run.take(run.intake.read(folder))
            tasks = run.owners.free(key)
            tables = run.plan.graph.tables
            self._note(key, fate, sum(1 for rule, row in tasks if is_stale(tables[rule].state[row])))
            is_free = is_free or bool(tasks)
        return is_free

    def _note(self, key: str, fate: Fate, left: int) -> None:
        run, board = self.run, self.run.board
        intent, status = board.intents.get(key), board.readings[key].status
        records = run.intake.counts.get(key, 0)
        if not records and os.path.exists(board.folders[key].records):
            records = 1  # those that were read when the plan was made
        settled = Settled(
            key,
            fate.job,
            fate.exit if isinstance(fate, Over) else None,
            fate.why if isinstance(fate, Over) else "lost",
            fate.text,
            committed([(intent, fate, status)]) if intent is not None else 0.0,
            records,
            run.site.name,
            run.site.setup,
            intent.role if intent is not None else "work",
            began=bool(board.readings[key].claims) or status is not None or not isinstance(fate, Lost),
        )
        board.settle(settled)
        self.ended.append(_ended(settled))
        if settled.role != "work" or not fate.job or not (run.is_of_run(key) or key in self.attached or left):
            return
        counts = f"{status.done} done, {status.failed} failed" if status is not None else ""
        again = "" if run.is_stopping() else ", packed anew"
        words = ", ".join(filter(None, (counts, f"{left} left{again}" if left else "")))
        end = f"; {words}" if words else ""
        run.tell(f"job {fate.job} ({key}): {fate.words(time.time())}{end}", event="job over", key=key)

    def take_back(self) -> None:
        """Take jobs out of the queue that will never start, or came too late.  Raises Trouble."""
        run, board = self.run, self.run.board
        if isinstance(board.jobs, DoNotKnow):
            return
        run.submitter.find_all_twice(board.folders, board.jobs)
        over = {each.key: Over(each.key, each.job, exit=each.exit, why=each.why) for each in board.settled.values()}
        living = {key: fate for key, fate in board.fates.items() if key not in board.settled}
        found = take_back({**over, **living}, board.intents, board.jobs, stuck_before=self._stuck)
        self._stuck = found.stuck
        for words in found.told:
            if words not in self._told:
                self._told.add(words)
                run.tell(words)
        self.withdraw(found.keys, found.ids, found.reasons)

    def take_back_outdated(self) -> None:
        """Take back jobs that wait with commands that the Wfile has no more, and tell of those that run.

        Raises Trouble.
        """
        run, board = self.run, self.run.board
        waiting: list[str] = []
        for key in board.living():
            changed = sorted(self._changed_rules(key))
            if not changed:
                continue
            names = ", ".join(f"`{name}`" for name in changed)
            name = f"{board.readings[key].job} ({key})"
            if isinstance(board.fates[key], Queued):
                waiting.append(key)
                run.tell(f"job {name} is taken back: {names} changed in the Wfile since it was submitted")
            else:
                run.tell(f"job {name} runs {names} as before the Wfile was changed; those tasks run again after it")
        if waiting:
            fates = {key: board.fates[key] for key in waiting}
            ids = order_to_stop(fates, board.intents)
            self.withdraw(waiting, ids, ["its commands changed"] * len(waiting))

    def _changed_rules(self, key: str) -> set[str]:
        """Return the rules of a job's batch that are otherwise by now, or are gone."""
        plan = self.run.plan
        found = set()
        for name, digest in self.run.owners.definitions.get(key, {}).items():
            rule = plan.campaign.by_name.get(name)
            if rule is None:
                found.add(name)
                continue
            try:
                now = plan.definition_of(plan.graph.tables[rule.number])
            except Wait:
                continue
            if now != digest:
                found.add(name)
        return found

    def withdraw(self, keys: Sequence[str], ids: Sequence[str], reasons: Sequence[str]) -> None:
        """Let jobs that wait do no work, and take them out of the queue.  Raises Trouble."""
        for key, why in zip(keys, reasons, strict=True):
            self.run.board.folders[key].close(why)
        if ids:
            self.run.submitter.cancel(ids)

    def spent(self) -> float:
        """Return the node-hours that jobs of this run have been charged, or may be."""
        run, board = self.run, self.run.board
        living = committed(
            (board.intents[key], board.fates[key], board.readings[key].status)
            for key in board.living()
            if key in board.intents and run.is_of_run(key)
        )
        return living + sum(each.spent for each in board.settled.values() if run.is_of_run(each.key))


def _ended(each: Settled) -> Ended:
    fate = Over(each.key, each.job, each.text, exit=each.exit, why=each.why)
    return Ended(each.key, fate, each.site, each.setup, each.records, each.role, each.began)
