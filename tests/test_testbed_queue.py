"""The core of an emulated queue: jobs, nodes and time, without any one scheduler's rules."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcmake.site import Site
from hpcmake.testbed.faults import Fault, parse_faults
from hpcmake.testbed.queue.core import Queue
from hpcmake.testbed.queue.dialect import DIALECTS, Dialect, find_dialect
from hpcmake.testbed.queue.nouns import ENDED, RUNNING, STARTING, WAITING, Answer, Job, Kill, Request, Signal, Start
from hpcmake.testbed.queue.upsets import Upsets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.testbed.machine import Machine

NOW = 1000.0


class Plain(Dialect):
    """First come, first served; a job leaves the queue when its script ends."""

    names = ("submit",)
    first = 1
    grace = 30.0
    prologue = 2.0

    def begin(self, queue: Queue) -> None:
        queue.every(10, queue.schedule)

    def answer(self, queue: Queue, request: Request) -> Answer:
        count, walltime = (int(word) for word in request.argv)
        number = queue.take_number()
        fields = {"user": request.user, "queue": "q", "count": count, "walltime": float(walltime), "argv": ["job"]}
        queue.add(Job(number, **fields, cwd=request.cwd, submitted=queue.now))  # type: ignore[arg-type]
        return Answer(str(number))

    def order(self, queue: Queue) -> Sequence[Job]:
        return list(queue.jobs.values())

    def starting(self, queue: Queue, job: Job) -> None:
        pass

    def running(self, queue: Queue, job: Job) -> None:
        pass

    def overdue(self, queue: Queue, job: Job) -> None:
        pass

    def ended(self, queue: Queue, job: Job) -> None:
        queue.remove(job)

    def lose(self, queue: Queue, job: Job) -> None:
        queue.remove(job)

    def delete(self, queue: Queue, job: Job) -> None:
        queue.terminate(job)

    def make_held(self, queue: Queue, machine: Machine, argv: Sequence[str], *, user: str, cwd: str) -> Job:
        raise NotImplementedError

    def can_start(self, queue: Queue, job: Job) -> bool:
        raise NotImplementedError

    def variables(self, job: Job, machine: Machine, *, nodefile: str) -> Mapping[str, str]:
        raise NotImplementedError

    def down(self, request: Request) -> Answer:
        raise NotImplementedError

    def refusal(self, request: Request) -> Answer:
        raise NotImplementedError


def queue_of(count: int, *, speed: float = 1, hurry: float = 1) -> Queue:
    return Queue(
        Plain(Site("s", "none", "none"), count), [f"n{at}" for at in range(count)], now=NOW, speed=speed, hurry=hurry
    )


def submit(queue: Queue, count: int, walltime: int) -> Job:
    request = Request("submit", (str(count), str(walltime)), "/", "me", {})
    return queue.jobs[int(queue.ask(request, queue.now).out)]


def test_a_job_gets_nodes_in_a_cycle_and_its_script_starts_after_the_prologue() -> None:
    queue = queue_of(4)
    job = submit(queue, 2, 100)
    queue.advance(NOW + 9.9)
    assert job.phase == WAITING
    queue.advance(NOW + 10)
    assert (job.phase, job.hosts, job.started, queue.effects) == (STARTING, ("n0", "n1"), NOW + 10, [])
    queue.advance(NOW + 12)
    assert (job.phase, queue.effects) == (RUNNING, [Start(1)])
    assert queue.free_hosts() == ["n2", "n3"]


def test_a_script_that_ends_frees_its_nodes_and_what_it_left_is_killed() -> None:
    queue = queue_of(2)
    job = submit(queue, 2, 100)
    queue.advance(NOW + 20)
    queue.effects.clear()
    queue.ended(1, 3, NOW + 30)
    assert (job.phase, job.status, queue.jobs, queue.effects) == (ENDED, 3, {}, [Kill(1)])
    assert queue.free_hosts() == ["n0", "n1"]


def test_at_the_walltime_comes_sigterm_and_after_the_grace_sigkill() -> None:
    queue = queue_of(2)
    job = submit(queue, 1, 100)
    queue.advance(NOW + 109)
    queue.effects.clear()
    queue.advance(NOW + 110)
    assert (job.over, queue.effects) == (True, [Signal(1, signal.SIGTERM)])
    queue.effects.clear()
    queue.advance(NOW + 139.9)
    assert queue.effects == []
    queue.advance(NOW + 140)
    assert queue.effects == [Kill(1)]


def test_a_job_that_is_given_more_time_goes_on() -> None:
    queue = queue_of(2)
    job = submit(queue, 1, 100)
    queue.advance(NOW + 50)
    job.walltime = 200
    queue.effects.clear()
    queue.advance(NOW + 209)
    assert (job.over, queue.effects) == (False, [])
    queue.advance(NOW + 210)
    assert job.over


def test_small_jobs_start_before_a_large_one_only_where_they_do_not_delay_it() -> None:
    queue = queue_of(4)
    first = submit(queue, 3, 100)
    large = submit(queue, 4, 100)
    short, long = submit(queue, 1, 60), submit(queue, 1, 1000)
    queue.advance(NOW + 30)
    assert [job.phase for job in (first, large, short, long)] == [RUNNING, WAITING, RUNNING, WAITING]
    queue.ended(first.number, 0, NOW + 50)
    queue.ended(short.number, 0, NOW + 55)
    queue.advance(NOW + 65)
    assert [job.phase for job in (large, long)] == [RUNNING, WAITING]


def test_nodes_that_have_died_are_given_to_nobody() -> None:
    queue = queue_of(2)
    queue.down.add("n0")
    one, two = submit(queue, 1, 100), submit(queue, 2, 100)
    queue.advance(NOW + 30)
    assert (one.hosts, two.hosts) == (("n1",), ())


def test_the_end_of_what_is_not_there_is_nothing() -> None:
    queue = queue_of(2)
    queue.ended(7, 0, NOW)
    job = submit(queue, 1, 10)
    queue.ended(job.number, 0, NOW + 1)
    assert job.phase == WAITING


def test_a_job_that_is_removed_while_it_starts_never_runs() -> None:
    queue = queue_of(2)
    job = submit(queue, 1, 100)
    queue.advance(NOW + 11)
    queue.remove(job)
    queue.advance(NOW + 500)
    assert queue.effects == [Kill(1)]


def test_time_may_run_faster() -> None:
    queue = queue_of(1, hurry=60)
    assert queue.scheduled(NOW + 1) == NOW + 60
    assert queue.real(NOW + 60) == NOW + 1


def test_a_scheduler_may_be_faster_and_leave_walltimes_as_they_are() -> None:
    queue = queue_of(1, speed=10)
    assert queue.real(NOW + 60) == NOW + 60
    done: list[float] = []
    queue.every(10, lambda: done.append(queue.now))
    queue.advance(NOW + 2.5)
    assert done == [NOW + 1, NOW + 2]
    submit(queue, 1, 100)
    queue.schedule()
    queue.advance(NOW + 99)
    assert Signal(1, signal.SIGTERM) not in queue.effects
    queue.advance(NOW + 103)
    assert Signal(1, signal.SIGTERM) in queue.effects


def test_with_walltimes_as_short_as_it_is_fast_all_is_as_it_really_is_on_its_clock() -> None:
    queue = queue_of(1, speed=60, hurry=60)
    assert [queue.lasting(10), queue_of(1, hurry=10).lasting(5), queue_of(1, speed=10).lasting(5)] == [10, 50, 0.5]


def test_each_number_is_given_once() -> None:
    queue = queue_of(1)
    assert [queue.take_number() for _ in range(3)] == [1, 2, 3]


def end_at(queue: Queue, number: int, when: float) -> None:
    queue.at(when, lambda: queue.ended(number, 0, queue.now))


jobs = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 200), st.integers(1, 300)), max_size=12)


@given(jobs)
def test_no_node_is_ever_given_twice_and_every_job_ends(asked: list[tuple[int, int, int]]) -> None:
    queue = queue_of(5)
    lasts = {submit(queue, count, walltime).number: seconds for count, walltime, seconds in asked}
    for _ in range(1000):
        due = queue.next_due()
        assert due is not None
        queue.advance(due)
        given_out = [name for job in queue.jobs.values() for name in job.hosts]
        assert len(given_out) == len(set(given_out))
        effects, queue.effects = queue.effects, []
        for effect in effects:
            if isinstance(effect, Start):
                end_at(queue, effect.number, queue.now + lasts[effect.number])
            elif isinstance(effect, Kill):
                queue.ended(effect.number, -9, queue.now)
        if not queue.jobs:
            break
    assert queue.jobs == {}
    assert len(queue.free_hosts()) == 5


@pytest.mark.parametrize("scheduler", sorted(DIALECTS))
def test_each_dialect_can_be_found_and_made(scheduler: str) -> None:
    dialect = find_dialect(Site("s", scheduler, "mpiexec"))
    assert dialect is not None
    made = dialect(Site("s", scheduler, "mpiexec"), 4)
    assert {"qsub", "qstat", "qdel", "qalter", "qhold", "qrls", "qmove"} <= set(made.names)
    assert find_dialect(Site("s", "slurm", "srun")) is None


# ---------------------------------------------------------------- what goes wrong


def upsets(*texts: str) -> Upsets:
    return Upsets(parse_faults(texts, []), NOW)


def test_a_server_is_down_for_a_time() -> None:
    down = upsets("queue-down:10@30")
    assert [down.is_down(NOW + at) for at in (29, 30, 39, 40)] == [False, True, True, False]


def test_a_server_is_down_after_so_many_submissions() -> None:
    down = upsets("queue-down:10@after:2")
    down.submit(NOW)
    assert not down.is_down(NOW + 5)
    down.submit(NOW + 6)
    assert [down.is_down(NOW + at) for at in (7, 16, 17)] == [True, True, False]


def test_a_server_is_slow() -> None:
    slow = upsets("queue-slow:2s@5", "queue-slow:1s")
    assert [slow.slowness(NOW + at) for at in (0, 5)] == [1, 3]


def test_so_many_submissions_fare_otherwise() -> None:
    faults = upsets("qsub-refused:2@after:1", "qsub-hangs:1@10", "qsub-late:30s@after:4", "qsub-garbage:1@after:5")
    kinds = [found.kind if (found := faults.submit(NOW + at)) else "" for at in (0, 1, 2, 11, 12, 13, 14)]
    assert kinds == ["", "qsub-refused", "qsub-refused", "qsub-hangs", "qsub-late", "qsub-garbage", ""]
    assert faults.events[-1] == "submission 6: qsub-garbage"


def test_a_job_that_is_stuck_never_starts() -> None:
    queue, faults = queue_of(4), upsets("job-stuck:2")
    first, second = submit(queue, 1, 100), submit(queue, 1, 100)
    faults.touch(queue)
    queue.advance(NOW + 5000)
    assert (first.phase, second.phase) == (RUNNING, WAITING)


def test_a_job_is_lost_some_time_after_its_submission() -> None:
    queue, faults = queue_of(4), upsets("job-lost:1@50")
    submit(queue, 1, 100)
    faults.touch(queue)
    queue.advance(NOW + 49)
    assert len(queue.jobs) == 1
    queue.advance(NOW + 50)
    assert (queue.jobs, faults.events) == ({}, ["job 1 was lost"])


def test_a_job_is_deleted_some_time_after_it_got_its_nodes() -> None:
    queue, faults = queue_of(4, speed=10, hurry=10), upsets("job-deleted:1@5")
    submit(queue, 1, 1000)
    for at in range(0, 70, 5):
        queue.advance(NOW + at)
        faults.touch(queue)
    assert Signal(1, signal.SIGTERM) in queue.effects
    assert faults.events == ["job 1 was deleted"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("queue-down:1m@30s", Fault("queue-down", "60.0", at=30)),
        ("qsub-hangs:2@after:3", Fault("qsub-hangs", "2", after=3)),
        ("job-lost:3@5", Fault("job-lost", "3", at=5)),
        ("job-stuck:1", Fault("job-stuck", "1")),
    ],
)
def test_faults_of_queues_are_read(text: str, fault: Fault) -> None:
    assert parse_faults([text], []) == [fault]
