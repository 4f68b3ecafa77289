"""What the driver asks of PBS, the emulated one takes; and what that answers, the driver understands."""

from pathlib import Path

import pytest
from pbs_bench import Bench, polaris_like
from scheduler_answers import scheduler

from hpcmake.runners.schedulers.jobs import Changed, DoNotKnow, Ending, JobState, Refused, Submission, Submitted
from hpcmake.runners.schedulers.queue_facts import parse_queues
from hpcmake.site import Limit, Queue, Site
from hpcmake.sites import read_site
from hpcmake.testbed.queue.nouns import Answer

PBS = scheduler("pbs")
JOB = Submission("/c/job.sh", "hm0a1b2-0001-x7", 1, 600.0, "/c/out")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    home = tmp_path / "home"
    home.mkdir()
    return Bench(home)


def run(bench: Bench, argv: list[str] | None) -> tuple[int, str, str]:
    """Run a command of the driver; return its status and what it printed."""
    assert argv is not None
    answer = bench.ask(*argv)
    return answer.status, answer.out, answer.err


def submit(bench: Bench, queue: str = "workq", site: Site | None = None, **changes: object) -> str:
    """Submit a job as the driver does; return its id."""
    job = JOB.replace(**{"script": f"{bench.home}/sleep.sh", "output": f"{bench.home}/out", **changes})
    told = PBS.parse_submitted(
        *run(bench, PBS.render_submit(site or bench.site, Queue(queue, None, (1, 4), ((1, 1.0),)), job))
    )
    assert isinstance(told, Submitted)
    return told.id


def poll(bench: Bench, *ids: str) -> dict[str, JobState]:
    jobs = PBS.parse_poll(*run(bench, PBS.render_poll("carol", ids)))
    assert not isinstance(jobs, DoNotKnow)
    return jobs


def ending(bench: Bench, job: str) -> Ending | None:
    return poll(bench, job)[job].ending


# ---------------------------------------------------------------- submitting


def test_a_job_of_polaris_with_all_that_the_driver_asks_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path, read_site("polaris", {}).replace(project="P", filesystems=("home", "eagle")), nodes=64)
    site = bench.site
    queue = site.find_queue("prod")
    job = JOB.replace(script=f"{tmp_path}/sleep.sh", nodes=10, walltime=3600.0, output=f"{tmp_path}/out")
    told = PBS.parse_submitted(*run(bench, PBS.render_submit(site, queue, job)))
    assert told == Submitted("1.pbs01")
    bench.wait(2)
    state = poll(bench, "1.pbs01")["1.pbs01"]
    assert (state.name, state.state, state.queue, state.nodes, state.walltime) == (
        JOB.name,
        "running",
        "small",
        10,
        3600,
    )


def test_a_chain(bench: Bench) -> None:
    parent = submit(bench)
    child = submit(bench, parents=(parent,))
    any_child = submit(bench, parents=(parent,), after="any")
    assert {job: each.state for job, each in poll(bench, parent, child, any_child).items()} == {
        parent: "starting",
        child: "waiting",
        any_child: "waiting",
    }
    assert poll(bench, child)[child].waits_for == (parent,)


@pytest.mark.parametrize(
    ("queue", "changes", "kind"),
    [
        ("nosuch", {}, "never"),
        ("closed", {}, "never"),
        ("small", {}, "never"),
        ("debug", {"nodes": 3}, "never"),
        ("debug", {"walltime": 7200.0}, "never"),
        ("workq", {"script": "/nosuch.sh"}, "never"),
    ],
)
def test_refusals(bench: Bench, queue: str, changes: dict[str, object], kind: str) -> None:
    job = JOB.replace(**{"script": f"{bench.home}/sleep.sh", **changes})
    told = PBS.parse_submitted(*run(bench, PBS.render_submit(bench.site, Queue(queue, None, (1, 4), ((1, 1.0),)), job)))
    assert isinstance(told, Refused)
    assert (told.kind, told.may_be_queued) == (kind, False)


def test_a_full_queue_is_tried_again(bench: Bench) -> None:
    for _ in range(3):
        submit(bench, "debug", held=True)
    job = JOB.replace(script=f"{bench.home}/sleep.sh")
    told = PBS.parse_submitted(
        *run(bench, PBS.render_submit(bench.site, Queue("debug", None, (1, 4), ((1, 1.0),)), job))
    )
    assert isinstance(told, Refused)
    assert (told.kind, told.may_be_queued) == ("again", False)


def test_what_a_site_misses_is_never_taken(tmp_path: Path) -> None:
    bench = Bench(tmp_path, polaris_like())
    for site in (bench.site, bench.site.replace(project="P")):
        job = JOB.replace(script=f"{tmp_path}/sleep.sh")
        told = PBS.parse_submitted(*run(bench, PBS.render_submit(site, site.queues[0], job)))
        assert isinstance(told, Refused)
        assert told.kind == "never"


def test_a_server_that_is_down_may_have_taken_the_job(bench: Bench) -> None:
    from hpcmake.testbed.queue.nouns import Request

    def down(name: str) -> tuple[int, str, str]:
        answer: Answer = bench.pbs.down(Request(name, (), "/", "carol", {}))
        return answer.status, answer.out, answer.err

    told = PBS.parse_submitted(*down("qsub"))
    assert isinstance(told, Refused)
    assert (told.kind, told.may_be_queued) == ("again", True)
    assert isinstance(PBS.parse_poll(*down("qstat")), DoNotKnow)
    assert isinstance(PBS.parse_cancelled(["1"], *down("qdel")), DoNotKnow)
    full = bench.pbs.refusal(Request("qsub", (), "/", "carol", {}))
    told = PBS.parse_submitted(full.status, full.out, full.err)
    assert isinstance(told, Refused)
    assert (told.kind, told.may_be_queued) == ("again", False)


# ---------------------------------------------------------------- looking


def test_how_jobs_have_ended(bench: Bench) -> None:
    """PBS fact 1.1: a child without Exit_status was not run; it is not taken for done."""
    done, failed = submit(bench), submit(bench, script=f"{bench.home}/fail.sh")
    child = submit(bench, parents=(failed,))
    bench.wait(20)
    assert poll(bench, done)[done].state == "done"
    found = [ending(bench, job) for job in (done, failed, child)]
    assert [(each.how, each.status) for each in found if each] == [("exit", 0), ("exit", 3), ("parent", None)]
    bench.lasts = 500
    late, gone, queued = submit(bench, walltime=20.0), submit(bench), submit(bench, held=True)
    bench.wait(5)
    bench.ask("qdel", gone, queued)
    bench.wait(30)
    found = [ending(bench, job) for job in (late, gone, queued)]
    assert [each.how for each in found if each] == ["walltime", "deleted", "deleted"]


def test_ids_that_nobody_knows_are_absent_from_an_answer_about_several(bench: Bench) -> None:
    """PBS fact 1.5: so a job that has vanished is absent, and the others are told."""
    bench.user = "carol"
    job = submit(bench)
    vanished = submit(bench, "prod", walltime=48 * 3600.0)
    assert set(poll(bench, job, vanished, "9999")) == {job}


def test_one_job_without_history(bench: Bench) -> None:
    job = submit(bench)
    state = PBS.parse_poll_job(*run(bench, PBS.render_poll_job(job)))
    assert isinstance(state, JobState)
    bench.wait(20)
    assert PBS.parse_poll_job(*run(bench, PBS.render_poll_job(job))) is None
    history = PBS.parse_history(*run(bench, PBS.render_history([job])))
    assert not isinstance(history, DoNotKnow)
    assert history[job].state == "done"


def test_all_jobs_of_a_user(bench: Bench) -> None:
    assert PBS.parse_poll(*run(bench, PBS.render_poll_user("carol"))) == {}
    bench.lasts = 500
    first = submit(bench, "debug")
    second = submit(bench, "debug")
    bench.user = "dave"
    submit(bench)
    bench.wait(5)
    jobs = PBS.parse_poll(*run(bench, PBS.render_poll_user("carol")))
    assert not isinstance(jobs, DoNotKnow)
    limit = "Not Running: User has reached queue debug running job limit."
    assert {job: (each.name, each.queue, each.nodes, each.reason) for job, each in jobs.items() if job == second} == {
        second: (JOB.name, "debug", 1, limit)
    }
    assert set(jobs) == {first, second}


def test_what_is_left_of_a_running_job(bench: Bench) -> None:
    bench.lasts = 500
    job = submit(bench)
    bench.wait(100)
    state = poll(bench, job)[job]
    assert state.left == pytest.approx(500, abs=1)
    assert state.start == pytest.approx(bench.now - 100, abs=1.1)


def test_where_walltimes_are_short_the_real_end_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, polaris_like(), hurry=10)
    bench.lasts = 5000
    site = bench.site.replace(project="P", filesystems=("home",))
    job = submit(bench, "debug-scaling", site, walltime=3600.0)
    bench.wait(600)
    state = poll(bench, job)[job]
    real = bench.queue.real(bench.now)
    assert state.left == pytest.approx(300, abs=1)
    assert (state.start or 0) + (state.walltime or 0) - real == pytest.approx(300, abs=1)


def test_a_job_that_can_never_run_is_stuck(bench: Bench) -> None:
    job = submit(bench, nodes=9)
    assert poll(bench, job)[job].stuck


# ---------------------------------------------------------------- changing


def test_changes(bench: Bench) -> None:
    done, held = submit(bench), submit(bench, held=True)
    bench.wait(20)
    assert poll(bench, held)[held].state == "held"
    ids = [done, held, "9999"]
    assert PBS.parse_changed([held], *run(bench, PBS.render_walltime(held, 1200.0))) == Changed((held,))
    assert PBS.parse_changed([held], *run(bench, PBS.render_release([held]))) == Changed((held,))
    assert PBS.parse_cancelled(ids, *run(bench, PBS.render_cancel(ids))) == Changed((held,), (done, "9999"))


def test_jobs_of_others_are_refused(bench: Bench) -> None:
    job = submit(bench, held=True)
    bench.user = "dave"
    refused = Changed(refused=((job, "Unauthorized Request"),))
    assert PBS.parse_cancelled([job], *run(bench, PBS.render_cancel([job]))) == refused
    assert PBS.parse_changed([job], *run(bench, PBS.render_release([job]))) == refused


# ---------------------------------------------------------------- queues


def test_the_queues_are_told_with_their_limits(bench: Bench) -> None:
    queues = parse_queues("pbs", bench.ask("qstat", "-Qf").out)
    assert sorted(queues) == ["closed", "debug", "large", "prod", "small", "stopq", "workq"]
    debug = queues["debug"]
    assert (debug.longest, debug.shortest, debug.most_nodes) == (3600, 300, 2)
    assert debug.limits == (Limit("queued", 3), Limit("running", 1))
    assert (queues["stopq"].state, queues["closed"].state) == ("not started", "not enabled")
