"""What the driver asks of Cobalt, the emulated one takes; and what that answers, the driver understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cobalt_bench import Bench
from scheduler_answers import scheduler

from hpcmake.runners.schedulers.cobaltlog import parse_cobaltlog
from hpcmake.runners.schedulers.jobs import Changed, DoNotKnow, Ending, JobState, Refused, Submission, Submitted
from hpcmake.sites import read_site
from hpcmake.testbed.queue.nouns import Request

if TYPE_CHECKING:
    from pathlib import Path

COBALT = scheduler("cobalt")
THETA = read_site("theta", {}).replace(project="P", filesystems=("home", "theta-fs0"))
JOB = Submission("/c/job.sh", "hm0a1b2-0001-x7", 128, 1800.0, "/c/out")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Theta, with nodes of another name."""
    bench = Bench(tmp_path, THETA, nodes=4392)
    bench.queue.hosts = tuple(f"nid{at:05}" for at in range(4392))
    return bench


def run(bench: Bench, argv: list[str] | None) -> tuple[int, str, str]:
    """Run a command of the driver; return its status and what it printed."""
    assert argv is not None
    answer = bench.ask(*argv)
    return answer.status, answer.out, answer.err


def told(bench: Bench, **changes: object) -> Submitted | Refused:
    """Submit a job to the default queue as the driver does."""
    job = JOB.replace(**{"script": f"{bench.home}/sleep.sh", "output": f"{bench.home}/out", **changes})
    return COBALT.parse_submitted(*run(bench, COBALT.render_submit(THETA, THETA.find_queue("default"), job)))


def submit(bench: Bench, **changes: object) -> str:
    """Submit a job that must be taken; return its id."""
    answer = told(bench, **changes)
    assert isinstance(answer, Submitted)
    return answer.id


def poll(bench: Bench) -> dict[str, JobState]:
    jobs = COBALT.parse_poll(*run(bench, COBALT.render_poll("alice", ["1"])))
    assert not isinstance(jobs, DoNotKnow)
    return jobs


def test_a_job_with_all_that_the_driver_asks_for(bench: Bench) -> None:
    assert told(bench) == Submitted("1")
    bench.wait(20)
    state = poll(bench)["1"]
    assert (state.name, state.state, state.queue, state.nodes) == (JOB.name, "running", "default", 128)
    assert (state.walltime, state.user) == (1800, "alice")
    assert bench.job(1).attrs == {"filesystems": "home,theta-fs0"}
    assert (bench.job(1).stdout, bench.job(1).stderr) == (f"{bench.home}/out", f"{bench.home}/out")


def test_a_chain(bench: Bench) -> None:
    """Fact 9.1: parents first."""
    first = submit(bench, held=True)
    second = submit(bench, parents=(first,))
    third = submit(bench, parents=(first, second))
    states = {job: (each.state, each.waits_for) for job, each in poll(bench).items()}
    assert states == {first: ("held", ()), second: ("waiting", (first,)), third: ("waiting", (first, second))}
    assert COBALT.parse_changed([first], *run(bench, COBALT.render_release([first]))) == Changed((first,))
    bench.wait(60)
    assert poll(bench)[third].waits_for == (second,)


def test_a_parent_that_is_gone_is_told_and_its_child_can_be_freed(bench: Bench) -> None:
    """Fact 1.1: a warning; then `dep_fail`."""
    answer = told(bench, parents=("77",))
    assert isinstance(answer, Submitted)
    assert answer.lost_parents == ("77",)
    bench.wait(60)
    assert poll(bench)["1"].state == "dep_fail"
    changed = COBALT.parse_changed(["1"], *run(bench, COBALT.render_parents("1", [])))
    assert changed == Changed(("1",))
    assert poll(bench)["1"].state == "queued"


def test_what_is_refused_and_whether_it_may_be_tried_again(bench: Bench) -> None:
    """Section 2: the text tells it, and no exit status."""
    kinds = {}
    asked: dict[str, dict[str, object]] = {
        "too long": {"walltime": 90_000.0},
        "too long for its nodes": {"walltime": 14_400.0},
        "too short": {"walltime": 60.0},
        "too many nodes": {"nodes": 4200},
        "no script": {"script": "/no/such/script"},
    }
    for what, changes in asked.items():
        answer = told(bench, **changes)
        assert isinstance(answer, Refused), what
        kinds[what] = (answer.kind, answer.may_be_queued)
    assert kinds == {
        "too long": ("never", False),
        "too long for its nodes": ("unknown", False),
        "too short": ("never", False),
        "too many nodes": ("unknown", False),
        "no script": ("never", False),
    }


def test_a_full_queue(bench: Bench) -> None:
    """Facts 1.11 and 1.12."""
    for _ in range(20):
        submit(bench, held=True)
    answer = told(bench)
    assert isinstance(answer, Refused)
    assert (answer.kind, answer.may_be_queued) == ("again", False)
    assert answer.text == "The limit of 20 jobs per user in the 'default' queue has been reached"
    changed = COBALT.parse_changed(["1"], *run(bench, COBALT.render_walltime("1", 3600)))
    assert isinstance(changed, Changed)
    assert changed.refused == (("1", answer.text),)
    cancelled = COBALT.parse_cancelled(["2", "1", "99"], *run(bench, COBALT.render_cancel(["2", "1", "99"])))
    assert cancelled == Changed(("2", "1"), ("99",))
    changed = COBALT.parse_changed(["3"], *run(bench, COBALT.render_walltime("3", 3600)))
    assert changed == Changed(("3",))
    assert poll(bench)["3"].walltime == 3600


def test_jobs_that_are_gone_and_a_server_that_is_down(bench: Bench) -> None:
    """Facts 1.6, 1.7 and 9.5: «gone» and «do not know» are two things."""
    assert poll(bench) == {}
    assert COBALT.parse_poll_job(*run(bench, COBALT.render_poll_job("7"))) is None
    for words in (COBALT.render_poll_user("alice"), COBALT.render_cancel(["1"]), COBALT.render_release(["1"])):
        answer = bench.cobalt.down(Request(words[0], tuple(words[1:]), "/", "alice", {}))
        assert isinstance(COBALT.parse_poll_job(answer.status, answer.out, answer.err), DoNotKnow)
    answer = bench.cobalt.down(Request("qsub", (), "/", "alice", {}))
    refused = COBALT.parse_submitted(answer.status, answer.out, answer.err)
    assert isinstance(refused, Refused)
    assert (refused.kind, refused.may_be_queued) == ("again", True)


def test_how_jobs_have_ended(bench: Bench) -> None:
    """Fact 1.8: the log of each tells it, in the end."""
    done = {
        name: submit(bench, output=f"{bench.home}/{name}", script=f"{bench.home}/{name}.sh") for name in ("ok", "fail")
    }
    late, gone = (submit(bench, output=f"{bench.home}/{name}") for name in ("late", "gone"))
    bench.wait(18)
    bench.ask("qdel", gone)
    bench.wait(4000)
    assert poll(bench) == {}
    logs = {name: parse_cobaltlog(bench.text(f"{name}.cobaltlog")) for name in (*done, "late", "gone")}
    assert logs == {
        "ok": Ending("exit", 0),
        "fail": Ending("exit", 3),
        "late": Ending("exit", 0),
        "gone": Ending("deleted", by="alice"),
    }
    assert late == "3"
