"""Cobalt: what it tells of jobs in its queue, and of how they ended, as version 1.0.33 printed it."""

import pytest
from scheduler_answers import polled, scheduler

from hpcmake.runners.schedulers.cobaltlog import parse_cobaltlog
from hpcmake.runners.schedulers.jobs import DoNotKnow, Ending, JobState

COBALT = scheduler("cobalt")
NOISE = 'No handlers could be found for logger "Proxy"\n'
DOWN = (
    "<Fault 20: '<START TRACEBACK ... Exception  : error: [Errno 111] Connection refused"
    " ... END TRACEBACK: about 30 lines, cut here>'>"
)


# ---------------------------------------------------------------- looking


def test_a_poll_asks_once_for_all_jobs_of_the_user() -> None:
    """Cobalt fact 9.5: one qstat for all jobs."""
    columns = "JobID:State:Nodes:WallTime:TimeRemaining:StartTime:Queue:Score:Dependencies:User:JobName"
    assert COBALT.render_poll("alice", ["1", "2"]) == ["qstat", "--header", columns, "-u", "alice"]
    assert COBALT.render_poll_user("alice") == COBALT.render_poll("alice", ["9"])
    assert COBALT.render_poll_queue("default") == ["qstat", "--header", columns, "default"]
    assert COBALT.render_poll_job("12") == ["qstat", "--header", columns, "12"]


CHAIN = """\
JobID  State      S  Queue    Dependencies  User_Hold  Admin_Hold  Location
=============================================================================
12     starting   R  default  10*, 11*      False      False       node02
13     queued     Q  default                False      False       None
14     running    R  default                False      False       node11
15     dep_fail   H  default  13            False      False       None
16     dep_hold   H  default  15            False      False       None
17     dep_fail   H  default  13, 14*       False      False       None
18     user_hold  H  default  14            True       False       None
19     killing    K  default                False      False       node02
29     pondering  H  default                False      False       None
"""


def test_states_and_what_jobs_wait_for() -> None:
    jobs = polled("cobalt", CHAIN)
    assert {job: (each.state, each.reason, each.waits_for) for job, each in jobs.items()} == {
        "12": ("starting", "", ()),
        "13": ("queued", "", ()),
        "14": ("running", "", ()),
        "15": ("dep_fail", "", ("13",)),
        "16": ("waiting", "dep_hold", ("15",)),
        "17": ("dep_fail", "", ("13",)),
        "18": ("held", "user_hold", ("14",)),
        "19": ("ending", "killing", ()),
        "29": ("strange", "pondering", ()),
    }


def test_rows_end_in_blanks() -> None:
    lines = CHAIN.splitlines()
    padded = [line if line.startswith("=") else line + " " * (len(lines[1]) - len(line)) for line in lines]
    assert polled("cobalt", "\n".join([*padded, ""])) == polled("cobalt", CHAIN)


def test_a_limit_of_running_jobs_is_no_hold() -> None:
    table = """\
JobID  State        S  Queue             WallTime  Dependencies  User_Hold
============================================================================
21     dep_fail     H  default           00:10:00  19            False
28     starting     R  debug-cache-quad  00:10:00                False
29     maxrun_hold  H  debug-cache-quad  00:10:00                False
"""
    jobs = polled("cobalt", table)
    assert jobs["29"] == JobState(
        "29", "", "queued", "maxrun_hold", queue="debug-cache-quad", walltime=600.0, waits_for=()
    )


def test_all_that_a_table_tells() -> None:
    table = """\
JobID  JobName  User   WallTime  QueuedTime  RunTime   TimeRemaining  Nodes  State    Location     Mode    Procs  Preemptable  Queue    StartTime                             Index
=====================================================================================================================================================================================
1      N/A      alice  00:10:00  00:00:00    00:00:06  00:09:53       2      running  node[02-03]  script  2      False        default  Sun Nov 22 11:44:33 2026 +0000 (UTC)  None
"""
    assert polled("cobalt", table)["1"] == JobState(
        "1",
        "",
        "running",
        user="alice",
        queue="default",
        nodes=2,
        walltime=600.0,
        left=593.0,
        start=1795347873.0,  # as the job's own COBALT_STARTTIME
    )


def test_a_name_may_hold_blanks_and_what_is_no_column_is_empty() -> None:
    table = """\
JobID  State    NoSuchField  Score    JobName
===================================================
1      running  -              0.1    my long name
"""
    assert polled("cobalt", table) == {"1": JobState("1", "my long name", "running", score=0.1)}


EMPTY = "JobID  User  WallTime  Nodes  State  Location  \n===============================================\n"


def test_no_jobs_are_an_answer() -> None:
    assert polled("cobalt", EMPTY) == {}


@pytest.mark.parametrize(
    ("status", "out", "err", "why"),
    [
        (None, "", "", "qstat did not answer"),
        (1, "", "", "qstat said nothing, and ended with status 1"),
        (0, "", "", "qstat said nothing, and ended with status 0"),
        (137, EMPTY[:20], "", "JobID  User  WallTim"),
        (0, "JobID  State    \n", "", "JobID  State"),
        (0, CHAIN.partition("ling ")[0], "", "the answer of qstat is torn: 19     kil"),
        (0, "JobID  State    \n==========\nwhat is this\n", "", "qstat wrote what is no job: what is this"),
        (1, "", "nosuchq is not a valid jobid or queue name\n", "nosuchq is not a valid jobid or queue name"),
        (
            1,
            "",
            f"{NOISE}component error: XMLRPC failure {DOWN} in queue-manager.get_queues\n\n",
            DOWN.removeprefix("<Fault 20: '").removesuffix("'>"),
        ),
    ],
)
def test_what_tells_nothing_of_jobs(status: int | None, out: str, err: str, why: str) -> None:
    """Cobalt fact 1.7: while the queue manager is down, qstat ends with 1 too, but with text on stderr."""
    assert COBALT.parse_poll(status, out, err) == DoNotKnow(why)


def test_one_job() -> None:
    """Cobalt fact 1.6: of a job that is finished, deleted or unknown, nothing is said, and the status is 1."""
    table = "JobID  State    \n================\n7      running  \n"
    assert COBALT.parse_poll_job(0, table, "") == JobState("7", "", "running")
    assert COBALT.parse_poll_job(1, "", "") is None, "finished, deleted or never there: nothing tells these apart"
    assert isinstance(COBALT.parse_poll_job(1, "", "component error: Failed to connect to queue-manager\n"), DoNotKnow)
    assert isinstance(COBALT.parse_poll_job(None, "", ""), DoNotKnow)


def test_there_is_no_history() -> None:
    """Cobalt fact 1.6: users have no command for it."""
    assert COBALT.render_history(["1"]) is None
    assert COBALT.parse_history(0, "", "") == DoNotKnow("Cobalt keeps no history")


# ---------------------------------------------------------------- how a job ended

DATE = "Sun Nov 22 11:47:42 2026 +0000 (UTC)"
BEGIN = f"""\
Jobid: 13
qsub -n 1 -t 10 -O failing fail.sh 3
{DATE} submitted with cwd set to: /home/alice/campaign
{DATE} Info: stderr sent to /home/alice/campaign/failing.error
{DATE}
"""


@pytest.mark.parametrize(
    ("lines", "ending"),
    [
        (
            "Info: task completed normally with an exit code of 0; initiating job cleanup and removal",
            Ending("exit", 0),
        ),
        (
            "Info: task completed normally with an exit code of 3; initiating job cleanup and removal",
            Ending("exit", 3),
        ),
        (
            "Info: task completed normally with an exit code of 139; initiating job cleanup and removal",
            Ending("exit", 139),
        ),
        ("Info: maximum execution time exceeded; initiating job termination", Ending("walltime")),
        ("Info: user delete requested with signal SIGTERM by user alice", Ending("deleted", by="alice")),
        (
            (
                "Info: user delete requested with signal SIGTERM by user alice now pending\n"
                f"{DATE} Info: pending user delete; releasing resources\n"
                f"{DATE} Info: resources released; starting job epilogue scripts"
            ),
            Ending("deleted", by="alice"),
        ),
        (
            f"Info: user hold placed on job\n{DATE} Info: user delete requested; removing job from the queue",
            Ending("deleted"),
        ),
        ("Info: user hold placed on job", Ending("unknown")),
        (
            "Info: task completed normally with an exit code of 1234567; initiating job cleanup and removal",
            Ending("unknown", text="Cobalt has lost its process: exit code 1234567"),
        ),
        ("ERROR: no such partition", Ending("unknown", text="ERROR: no such partition")),
    ],
)
def test_an_end_in_the_log(lines: str, ending: Ending) -> None:
    """Cobalt fact 1.8: of a job that was killed, the line with its exit status never comes."""
    assert parse_cobaltlog(f"{BEGIN}{DATE} {lines}\n") == ending
    assert parse_cobaltlog(f"{BEGIN}{DATE} {lines}\n", job="13") == ending


def test_the_last_line_comes_late() -> None:
    """Cobalt fact 1.8: the exit status is only in the log, seconds after the job has left the queue."""
    assert parse_cobaltlog(BEGIN) == Ending("unknown")
    assert parse_cobaltlog("") == Ending("unknown")


def test_lines_are_not_in_the_order_of_time() -> None:
    log = f"{BEGIN}{DATE} Info: user delete requested with signal SIGTERM by user alice\n{DATE} Info: stdin received from /dev/null\n"
    assert parse_cobaltlog(log) == Ending("deleted", by="alice")


def test_a_log_of_two_jobs_tells_only_what_is_true_of_both() -> None:
    end = f"{DATE} Info: task completed normally with an exit code of {{}}; initiating job cleanup and removal\n"
    both = f"Jobid: 48\n{end.format(0)}Jobid: 52\n"
    assert parse_cobaltlog(both + end.format(0)) == Ending("exit", 0)
    assert parse_cobaltlog(both) == Ending("unknown", text="the log is of jobs 48, 52")
    assert parse_cobaltlog(both + end.format(3)) == Ending("unknown", text="the log is of jobs 48, 52")
    assert parse_cobaltlog(both, job="7") == Ending("unknown", text="the log is of job 52")
