"""The emulated PBS under any commands in any order."""

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from pbs_bench import QUEUES, Bench
from scheduler_answers import scheduler

from hpcmake.runners.schedulers.jobs import DoNotKnow, Submitted
from hpcmake.testbed.queue.pbs_rules import FINISHED, RUNNING, PbsJob

PBS = scheduler("pbs")
COMMANDS = ("qsub", "qstat", "qdel", "qhold", "qrls", "qalter", "qmove", "qselect")
RUNNABLE = ("workq", "debug", "prod")

WORDS = st.one_of(
    st.sampled_from(
        "-l -q -W -h -v -N -o -e -j -x -f -F json -u carol -Q -w -s -1 -a -- - 0 1.pbs01 99 debug prod nosuch sleep.sh"
        " select=2:ncpus=1 select=1+1 walltime=00:10:00 walltime=1:30 depend=afterok:0 depend=afterany:0:1 A=1,B".split()
    ),
    st.text(st.characters(exclude_characters="\n"), max_size=4),
)


@given(name=st.sampled_from(COMMANDS), argv=st.lists(WORDS, max_size=6))
def test_any_words_are_answered(name: str, argv: list[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place))
        bench.sub("-h")
        answer = bench.ask(name, *argv)
        assert 0 <= answer.status <= 255
        assert answer.status == 0 or answer.err
        assert all(line.startswith((name, "usage", "\t", " ", "q")) for line in answer.err.split("\n") if line)


class Step:
    """Something that a user does: `kind`, to which of the jobs, with which queue, kind of dependency and sizes."""

    def __init__(self, kind: str, job: int, queue: str, after: str, numbers: tuple[int, int, int]) -> None:
        self.kind = kind
        self.job = job
        self.queue = queue
        self.after = after
        self.nodes, self.walltime, self.lasts = numbers

    def __repr__(self) -> str:
        return f"{self.kind}({self.job}, {self.queue}, {self.after}, {self.nodes}, {self.walltime}, {self.lasts})"


STEPS = st.builds(
    Step,
    st.sampled_from(["sub", "sub", "sub", "child", "child", "wait", "qdel", "qhold", "qrls", "qmove", "fail"]),
    st.integers(0, 9),
    st.sampled_from(RUNNABLE),
    st.sampled_from(["afterok", "afterany", "afternotok"]),
    st.tuples(st.integers(1, 5), st.sampled_from([300, 600, 20000]), st.sampled_from([0, 20, 400])),
)


def take(bench: Bench, step: Step) -> None:
    ids = [bench.pbs.book.full_id(number) for number in bench.pbs.book.known]
    job = ids[step.job % len(ids)] if ids else "0"
    clock = f"{step.walltime // 3600:02}:{step.walltime // 60 % 60:02}:00"
    words = ["-q", step.queue, "-l", f"select={step.nodes}:ncpus=1", "-l", f"walltime={clock}", "-v", f"T={step.lasts}"]
    if step.kind in {"sub", "child", "fail"}:
        words += ["-W", f"depend={step.after}:{job}"] if step.kind == "child" else []
        answer = bench.ask("qsub", *words, "fail.sh" if step.kind == "fail" else "sleep.sh")
        told = PBS.parse_submitted(answer.status, answer.out, answer.err)
        assert isinstance(told, Submitted) or answer.status in {38, 188}
    elif step.kind == "wait":
        bench.wait(step.lasts + 1)
    elif step.kind == "qmove":
        bench.ask("qmove", step.queue, job)
    else:
        bench.ask(step.kind, job)


def check(bench: Bench) -> None:
    """Hold what is true of a server at any time."""
    book = bench.pbs.book
    living = book.living()
    hosts = Counter(name for job in living for name in job.hosts)
    assert all(count == 1 for count in hosts.values()), "a node has one job"
    for queue in QUEUES:
        there = [job for job in living if job.queue == queue.name]
        assert all(len(there) <= most for _, most in queue.queued)
        assert all(sum(bool(job.hosts) for job in there) <= most for _, most in queue.running)
    for job in book.known.values():
        assert (job.state == FINISHED) == (job.number not in bench.queue.jobs)
        assert bool(job.holds) == (
            job.state == "H" or (job.state == FINISHED and job.exit_status is None and bool(job.holds))
        )
        assert ("s" in job.holds) == bool(job.waits)
    jobs = PBS.parse_poll(
        *answered(bench, PBS.render_poll("carol", [book.full_id(number) for number in book.known] or ["0"]))
    )
    assert not isinstance(jobs, DoNotKnow)
    assert len(jobs) == len(book.known)
    assert all(each.state != "strange" for each in jobs.values())
    assert not isinstance(PBS.parse_poll(*answered(bench, PBS.render_poll_user("carol"))), DoNotKnow)


def answered(bench: Bench, argv: list[str]) -> tuple[int, str, str]:
    answer = bench.ask(*argv)
    return answer.status, answer.out, answer.err


def parents_of(job: PbsJob) -> list[tuple[str, int]]:
    return [(kind, int(name.partition(".")[0])) for kind, names in job.asked.depend for name in names]


@given(steps=st.lists(STEPS, max_size=12))
def test_whatever_users_do_the_rules_hold(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place))
        for step in steps:
            take(bench, step)
            check(bench)
        bench.wait(300000)
        check(bench)
        known = bench.pbs.book.known
        for job in known.values():
            ended = {kind: known[number].exit_status == 0 for kind, number in parents_of(job) if number in known}
            if job.exit_status is not None:
                assert all(good == (kind == "afterok") for kind, good in ended.items() if kind != "afterany")
            if job.state in {"Q", "R", "E"}:
                assert job.count > len(bench.queue.hosts), "nothing waits that could run"
            if job.state == "H" and "u" not in job.holds:
                assert any(known[number].state != FINISHED for _, number in job.waits)
            assert job.state != RUNNING
