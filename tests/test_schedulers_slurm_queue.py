"""Slurm: what it tells of jobs, as version 22.05 printed it."""

import time

import pytest
from scheduler_answers import polled, scheduler

from hpcmake.runners.schedulers.jobs import DoNotKnow, Ending, JobState

SLURM = scheduler("slurm")


# ---------------------------------------------------------------- looking

COLUMNS = (
    "JobArrayID:|,State:|,Reason:|,NumNodes:|,TimeLimit:|,TimeLeft:|,StartTime:|,PriorityLong:|,Partition:|,QOS:|,RestartCnt:|"
    ",exit_code:|,UserName:|,Dependency:|,Name:|"
)


def test_polls() -> None:
    start = ["squeue", "-h", "-r", "-O", COLUMNS]
    assert SLURM.render_poll("alice", ["1", "2"]) == [*start, "-t", "all", "-u", "alice"]
    assert SLURM.render_poll_user("alice") == [*start, "-t", "all", "-u", "alice"]
    assert SLURM.render_poll_queue("batch") == [*start, "-t", "PENDING,RUNNING", "-p", "batch"]
    assert SLURM.render_poll_job("7") == [*start, "-t", "all", "-j", "7"]


QUEUE_OF_ALICE = """\
9|CANCELLED|DependencyNeverSatisfied|1|1:00|1:00|2026-11-22T17:51:43|4294967294|batch|normal|0|0|alice|afterok:1(failed)|hmkill|
3|CANCELLED|None|1|20:00|20:00|2026-11-22T17:51:44|1|batch|normal|0|0|alice|(null)|hm0a1b2-0003-xy|
2|CANCELLED|None|2|1:30:00|1:29:54|2026-11-22T17:51:38|1|batch|normal|0|15|alice|(null)|hm0a1b2-0002-xy|
4|COMPLETED|None|3|1:00|1:00|2026-11-22T17:51:44|1|batch|normal|0|0|alice|(null)|hm0a1b2-0004-xy|
21|FAILED|JobLaunchFailure|1|5:00|5:00|2026-11-22T17:52:38|1|batch|normal|0|139|alice|(null)|segv|
22|FAILED|NonZeroExitCode|1|5:00|5:00|2026-11-22T17:52:38|1|batch|normal|0|512|alice|(null)|badi|
12|FAILED|JobLaunchFailure|1|1:00|1:00|2026-11-22T17:51:45|1|batch|normal|0|4021|alice|(null)|s.sh|
15|FAILED|BadConstraints|1|1:00|1:00|2026-11-22T17:51:44|1|batch|normal|0|1|alice|(null)|s.sh|
1|FAILED|NonZeroExitCode|1|5:00|4:58|2026-11-22T17:51:38|1|batch|normal|0|768|alice|(null)|hm0a1b2-0001-xy|
19|NODE_FAIL|NodeDown|1|5:00|4:56|2026-11-22T17:52:38|1|batch|normal|0|0|alice|(null)|lost|
18|TIMEOUT|TimeLimit|1|1:00|0:00|2026-11-22T17:52:38|1|batch|normal|0|15|alice|(null)|tmo|
20|PENDING|BeginTime|1|5:00|5:00|2026-11-22T17:54:43|1|batch|normal|1|0|alice|(null)|again|
13|PENDING|None|1|5:00|5:00|N/A|1|batch|normal|0|0|alice|(null)|new|
14|PENDING|PartitionConfig|1|1:00|1:00|N/A|1|batch|normal|0|0|alice|(null)|s.sh|
8|PENDING|DependencyNeverSatisfied|1|1:00|1:00|N/A|1|batch|normal|0|0|alice|afterok:1(failed)|hmlate|
33|PENDING|Dependency|1|1-01:00:00|1-01:00:00|N/A|1|batch|normal|0|0|alice|afterok:1(unfulfilled),afterok:2(unfulfilled)|x|
7_0|PENDING|None|1|1:00|1:00|N/A|1|batch|normal|0|0|alice|afterany:2(unfulfilled)|arr|
11|PENDING|JobHeldUser|1|1:00|1:00|N/A|0|batch|normal|0|0|alice|afterok:99999(unfulfilled)|hmbad|
23|PENDING|JobHeldUser|2|5:00|5:00|N/A|0|batch|normal|0|0|alice|(null)|name with | bar and a very long name that goes on|
28|RUNNING|None|1|1:00|0:56|2026-11-22T17:52:38|1|batch|normal|0|0|alice|(null)|tmo|
"""


def test_states() -> None:
    jobs = polled("slurm", QUEUE_OF_ALICE)
    assert {job: (each.state, each.ending) for job, each in jobs.items() if each.ending} == {
        "9": ("failed", Ending("parent", text="DependencyNeverSatisfied")),
        "3": ("failed", Ending("deleted")),
        "2": ("failed", Ending("deleted")),
        "4": ("done", Ending("exit", 0)),
        "21": ("failed", Ending("exit", 139, text="JobLaunchFailure")),
        "22": ("failed", Ending("exit", 2, text="NonZeroExitCode")),
        "12": ("failed", Ending("start", text="JobLaunchFailure")),  # the folder of its output was not there
        "15": ("failed", Ending("start", text="BadConstraints")),  # sbatch had refused it
        "1": ("failed", Ending("exit", 3, text="NonZeroExitCode")),
        "19": ("failed", Ending("node", text="NodeDown")),
        "18": ("failed", Ending("walltime", text="TimeLimit")),
    }
    assert {job: (each.state, each.reason, each.waits_for) for job, each in jobs.items() if each.in_queue} == {
        "20": ("queued", "BeginTime", ()),
        "13": ("queued", "", ()),
        "14": ("queued", "PartitionConfig", ()),
        "8": ("dep_fail", "DependencyNeverSatisfied", ("1",)),
        "33": ("waiting", "Dependency", ("1", "2")),
        "7_0": ("waiting", "", ("2",)),
        "11": ("held", "JobHeldUser", ("99999",)),
        "23": ("held", "JobHeldUser", ()),
        "28": ("running", "", ()),
    }


def test_all_that_a_row_tells() -> None:
    jobs = polled("slurm", QUEUE_OF_ALICE)
    start = time.mktime((2026, 11, 22, 17, 52, 38, 0, 0, -1))
    assert jobs["28"] == JobState(
        "28",
        "tmo",
        "running",
        user="alice",
        queue="batch",
        qos="normal",
        nodes=1,
        walltime=60.0,
        left=56.0,
        start=start,
        score=1.0,
        restarts=0,
    )
    assert jobs["33"].walltime == 90000.0
    assert jobs["20"].restarts == 1
    assert [job for job, each in jobs.items() if each.stuck] == ["14"], "it asks for more than its partition has"
    assert jobs["23"].name == "name with | bar and a very long name that goes on"


@pytest.mark.parametrize(
    ("state", "code", "ours", "ending"),
    [
        ("COMPLETING", "0", "ending", None),
        ("CONFIGURING", "0", "starting", None),
        ("SUSPENDED", "0", "suspended", None),
        ("MEDITATING", "0", "strange", None),
        ("OUT_OF_MEMORY", "125", "failed", Ending("memory")),
        ("PREEMPTED", "0", "failed", Ending("preempted")),
        ("BOOT_FAIL", "0", "failed", Ending("start")),
        ("DEADLINE", "0", "failed", Ending("unknown", text="DEADLINE")),
        ("FAILED", "0", "failed", Ending("unknown", text="FAILED")),
        ("FAILED", "9", "failed", Ending("exit", 137)),
        ("FAILED", "3:0", "failed", Ending("exit", 3)),
    ],
)
def test_other_states(state: str, code: str, ours: str, ending: Ending | None) -> None:
    job = polled("slurm", f"5|{state}|None|1|5:00|5:00|N/A|1|batch|normal|0|{code}|alice|(null)|x|\n")["5"]
    assert (job.state, job.ending) == (ours, ending)


def test_a_site_may_warn_beside_its_answer() -> None:
    warning = "squeue: this login node will be down on Tuesday\n"
    assert polled("slurm", QUEUE_OF_ALICE, err=warning) == polled("slurm", QUEUE_OF_ALICE)
    assert isinstance(SLURM.parse_poll(0, "", warning), DoNotKnow)
    assert isinstance(SLURM.parse_poll(0, QUEUE_OF_ALICE, "squeue: error: half of it is missing\n"), DoNotKnow)


def test_no_jobs_are_an_answer() -> None:
    assert polled("slurm", "") == {}


@pytest.mark.parametrize(
    ("status", "out", "err", "why"),
    [
        (None, QUEUE_OF_ALICE, "", "squeue did not answer"),
        (0, "", "squeue: error: Invalid user: nosuch\n\n", "squeue: error: Invalid user: nosuch"),
        (
            1,
            "",
            "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n",
            "slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
        ),
        (
            1,
            "",
            "slurm_load_jobs error: Socket timed out on send/recv operation\n",
            "slurm_load_jobs error: Socket timed out on send/recv operation",
        ),
        (1, "", "", "squeue said nothing, and ended with status 1"),
        (0, "what\n", "", "squeue wrote what is no job: what"),
        (0, QUEUE_OF_ALICE[:-5], "", "the answer of squeue is torn: " + QUEUE_OF_ALICE.splitlines()[-1][:-4]),
    ],
)
def test_what_tells_nothing_of_jobs(status: int | None, out: str, err: str, why: str) -> None:
    assert SLURM.parse_poll(status, out, err) == DoNotKnow(why)


def test_one_job() -> None:
    job = SLURM.parse_poll_job(0, QUEUE_OF_ALICE.splitlines()[-1] + "\n", "")
    assert isinstance(job, JobState)
    assert job.state == "running"
    assert SLURM.parse_poll_job(1, "", "slurm_load_jobs error: Invalid job id specified\n") is None
    assert SLURM.parse_poll_job(0, "", "") is None
    down = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n"
    assert isinstance(SLURM.parse_poll_job(1, "", down), DoNotKnow)


# ---------------------------------------------------------------- history

HISTORY = """\
JobID|State|ExitCode|Start|TimelimitRaw|NNodes|Partition|User|JobName
1|FAILED|3:0|2026-11-22T17:51:38|5|1|batch|alice|hm0a1b2-0001-xy
2|CANCELLED by 1001|0:0|2026-11-22T17:51:38|90|2|batch|alice|hm0a1b2-0002-xy
3|CANCELLED by 1001|0:0|None|20|1|batch|alice|hm0a1b2-0003-xy
4|COMPLETED|0:0|2026-11-22T17:51:44|1|3|batch|alice|hm0a1b2-0004-xy
6|PENDING|0:0|Unknown|1|50|batch|alice|big
7_0|COMPLETED|0:0|2026-11-22T17:51:45|1|1|batch|alice|arr
9|CANCELLED|0:0|2026-11-22T17:51:43||0||alice|allocation
12|FAILED|0:53|2026-11-22T17:51:45|1|1|batch|alice|s.sh
18|TIMEOUT|0:0|2026-11-22T17:52:38|1|1|batch|alice|tmo
19|NODE_FAIL|0:0|2026-11-22T17:52:38|5|1|batch|alice|lost
21|FAILED|0:11|2026-11-22T17:52:38|5|1|batch|alice|segv
25|OUT_OF_MEMORY|0:125|2026-11-22T17:52:38|5|1|batch|alice|name | bar
26|RUNNING|0:0|2026-11-22T17:51:38|90|2|batch|alice|run
"""


def test_the_history_of_jobs() -> None:
    assert SLURM.render_history(["1", "2"]) == [
        *("sacct", "-P", "-X", "-o", "JobID,State,ExitCode,Start,TimelimitRaw,NNodes,Partition,User,JobName"),
        *("-j", "1,2"),
    ]
    jobs = SLURM.parse_history(0, HISTORY, "")
    assert not isinstance(jobs, DoNotKnow)
    assert {job: (each.state, each.ending) for job, each in jobs.items()} == {
        "1": ("failed", Ending("exit", 3)),
        "2": ("failed", Ending("deleted", by="uid 1001")),
        "3": ("failed", Ending("deleted", by="uid 1001")),
        "4": ("done", Ending("exit", 0)),
        "6": ("queued", None),
        "7_0": ("done", Ending("exit", 0)),
        "9": ("failed", Ending("deleted")),
        "12": ("failed", Ending("start")),
        "18": ("failed", Ending("walltime")),
        "19": ("failed", Ending("node")),
        "21": ("failed", Ending("exit", 139)),
        "25": ("failed", Ending("memory")),
        "26": ("running", None),
    }
    assert jobs["25"].name == "name | bar"
    assert (jobs["1"].walltime, jobs["9"].walltime) == (300.0, None)


def test_a_job_that_the_history_does_not_know_yet_is_absent() -> None:
    assert SLURM.parse_history(0, HISTORY.splitlines()[0] + "\n", "") == {}


@pytest.mark.parametrize(
    ("status", "out", "err", "why"),
    [
        (None, "", "", "sacct did not answer"),
        (0, "", "", "sacct wrote what is no table: "),
        (1, "", "sacct: fatal: Bad job/step specified: abc\n", "sacct: fatal: Bad job/step specified: abc"),
        (0, HISTORY + "torn\n", "", "sacct wrote what is no job: torn"),
        (0, HISTORY + "1|COM", "", "the answer of sacct is torn: 1|COM"),
    ],
)
def test_a_history_that_tells_nothing(status: int | None, out: str, err: str, why: str) -> None:
    assert SLURM.parse_history(status, out, err) == DoNotKnow(why)
