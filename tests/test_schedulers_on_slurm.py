"""What is rendered for Slurm, and read of its answers, on a real one."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from scheduler_answers import scheduler
from slurm.cluster import until
from slurm.together import side_by_side

from hpcmake.runners.keys import find_ours, make_campaign, make_key
from hpcmake.runners.schedulers.jobs import (
    Changed,
    DoNotKnow,
    Ending,
    JobState,
    Submission,
    Submitted,
    order_children_first,
)
from hpcmake.site import Site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slurm.campaign import Slurm

SLURM = scheduler("slurm")


class Queue:
    """A campaign's jobs in the queue, and a folder with a sign in its name that Slurm would replace."""

    def __init__(self, slurm: Slurm) -> None:
        self.slurm = slurm
        self.folder = slurm.folder / "50%j"
        self.folder.mkdir()
        self.campaign = make_campaign(os.urandom(3))
        self.count = 0

    def call(self, argv: Sequence[str]) -> tuple[int, str, str]:
        done = subprocess.run(
            self.slurm.cluster.words(*argv),
            env=self.slurm.cluster.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def submit(self, commands: str, *, nodes: int = 1, **more: object) -> str:
        self.count += 1
        key = make_key(self.campaign, self.count, os.urandom(2))
        script = self.folder / f"{key}.sh"
        script.write_text(f"#!/bin/bash\n{commands}\n")
        script.chmod(0o700)
        job = Submission(str(script), key, nodes, 120.0, str(self.folder / f"{key}.out")).replace(**more)
        answer = SLURM.parse_submitted(*self.call(SLURM.render_submit(Site("x", "slurm", "srun"), None, job)))
        assert isinstance(answer, Submitted), answer
        return answer.id

    def poll(self) -> dict[str, JobState]:
        jobs = SLURM.parse_poll(*self.call(SLURM.render_poll_user("root")))
        assert not isinstance(jobs, DoNotKnow), jobs
        return {job.id: job for jobs in find_ours(jobs.values(), self.campaign).values() for job in jobs}

    def states(self) -> dict[str, str]:
        return {job: each.state for job, each in self.poll().items()}


@side_by_side()
def test_jobs_are_submitted_and_seen_and_changed(slurm: Slurm) -> None:
    queue = Queue(slurm)
    well = queue.submit("sleep 1; echo done")
    left = queue.submit("exit 75")
    child = queue.submit("true", parents=(well,))
    orphan = queue.submit("true", parents=(left,))
    watcher = queue.submit("true", parents=(left,), after="any")
    held = queue.submit("true", held=True)
    wide = queue.submit("true", nodes=1000)
    runs = queue.submit("exec sleep 500")
    waits = queue.submit("true", parents=(runs,))
    expected = {
        well: "done",
        left: "failed",
        child: "done",
        orphan: "dep_fail",
        watcher: "done",
        held: "held",
        wide: "queued",
        runs: "running",
        waits: "waiting",
    }
    until(lambda: queue.states() == expected, f"all jobs are in the states {expected}", 120)

    jobs = queue.poll()
    assert jobs[left].ending == Ending("exit", 75, text="NonZeroExitCode")
    assert (jobs[waits].waits_for, jobs[waits].walltime, jobs[waits].nodes) == ((runs,), 120.0, 1)
    assert (jobs[runs].left or 0) > 30
    assert jobs[wide].stuck
    until(lambda: len(list(queue.folder.glob("*.out"))) == 5, "each has its output where it was told, sign by sign")
    assert SLURM.parse_poll_job(*queue.call(SLURM.render_poll_job("99999"))) is None

    def change(ids: Sequence[str], argv: Sequence[str] | None) -> Changed | DoNotKnow:
        assert argv is not None
        return SLURM.parse_changed(ids, *queue.call(argv))

    ids = [held, "99999"]
    assert change(ids, SLURM.render_release(ids)) == Changed((held,), gone=("99999",))
    assert change([waits], SLURM.render_walltime(waits, 240)) == Changed((waits,))
    assert change([waits], SLURM.render_parents(waits, [runs], after="any")) == Changed((waits,))
    assert change([left], SLURM.render_walltime(left, 240)) == Changed(gone=(left,))
    assert queue.poll()[waits].walltime == 240.0

    order = order_children_first({wide: (), orphan: (), runs: (), waits: (runs,)})
    assert order.index(waits) < order.index(runs)
    cancelled = SLURM.parse_cancelled(order, *queue.call(SLURM.render_cancel(order)))
    assert cancelled == Changed(order)
    until(lambda: not [job for job in queue.poll().values() if job.in_queue], "nothing is left in the queue", 120)
    assert queue.poll()[runs].ending == Ending("deleted")
