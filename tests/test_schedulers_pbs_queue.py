"""PBS: what it tells of jobs, as OpenPBS 23.06 printed it."""

import json
import time

import pytest
from scheduler_answers import polled, scheduler

from hpcmake.runners.schedulers.jobs import DoNotKnow, Ending, JobState

PBS = scheduler("pbs")


# ---------------------------------------------------------------- looking


def test_polls() -> None:
    """PBS fact 1.3: finished jobs are told with `-x`."""
    assert PBS.render_poll("carol", ["16.pbs01", "17.pbs01"]) == [
        *("qstat", "-x", "-f", "-F", "json"),
        *("16.pbs01", "17.pbs01"),
    ]
    assert PBS.render_history(["16.pbs01"]) == ["qstat", "-x", "-f", "-F", "json", "16.pbs01"]
    assert PBS.render_poll_user("carol") == ["qstat", "-a", "-w", "-s", "-1", "-u", "carol"]
    assert PBS.render_poll_job("16.pbs01") == ["qstat", "-f", "-F", "json", "16.pbs01"]
    assert PBS.render_poll_queue("workq") is None


RUNNING = """\
{
	"timestamp":	1795349056,
	"pbs_version":	"23.06.06",
	"pbs_server":	"pbs01",
	"Jobs":	{
		"0.pbs01":	{
			"Job_Name":	"good",
			"Job_Owner":	"carol@pbs01",
			"resources_used":	{
				"cpupercent":	0,
				"cput":	"00:00:00",
				"mem":	"0kb",
				"ncpus":	2,
				"vmem":	"0kb",
				"walltime":	"00:00:10"
			},
			"job_state":	"R",
			"queue":	"workq",
			"server":	"pbs01",
			"Account_Name":	"proj",
			"Checkpoint":	"u",
			"ctime":	"Sun Nov 22 12:04:11 2026",
			"exec_host":	"pbs01/0+pbs01/1",
			"Hold_Types":	"n",
			"Rerunable":	"True",
			"Resource_List":	{
				"ncpus":	2,
				"nodect":	2,
				"place":	"vscatter",
				"select":	"2:ncpus=1",
				"walltime":	"00:05:00"
			},
			"stime":	"Sun Nov 22 12:04:11 2026",
			"session_id":	1292,
			"substate":	42,
			"Variable_List":	{
				"PBS_O_HOME":	"/home/carol",
				"T":	12,
				"MYVAR":	1
			},
			"comment":	"Job run at Sun Nov 22 at 12:04 on (nid[0]:ncpus=1)+(nid[1]:ncpus=1)",
			"etime":	"Sun Nov 22 12:04:11 2026",
			"run_count":	1
		}
	}
}
"""


def test_a_running_job() -> None:
    began = time.mktime((2026, 11, 22, 12, 4, 11, 0, 0, -1))
    assert polled("pbs", RUNNING) == {
        "0.pbs01": JobState(
            "0.pbs01",
            "good",
            "running",
            "Job run at Sun Nov 22 at 12:04 on (nid[0]:ncpus=1)+(nid[1]:ncpus=1)",
            user="carol",
            queue="workq",
            nodes=2,
            walltime=300.0,
            left=290.0,
            start=began,
            restarts=0,
        )
    }


def answer(**jobs: dict[str, object]) -> str:
    rows = {f"{name[1:]}.pbs01": facts for name, facts in jobs.items()}
    return json.dumps({"timestamp": 1795349072, "pbs_version": "23.06.06", "pbs_server": "pbs01", "Jobs": rows})


def told(**facts: object) -> JobState:
    return polled("pbs", answer(_1={"Job_Name": "x", **facts}))["1.pbs01"]


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"job_state": "Q", "substate": 10}, "queued"),
        ({"job_state": "H", "Hold_Types": "s", "substate": 22, "depend": "afterok:16.pbs01@pbs01"}, "waiting"),
        ({"job_state": "H", "Hold_Types": "u", "substate": 20}, "held"),
        ({"job_state": "H", "Hold_Types": "s", "substate": 20}, "held"),
        ({"job_state": "R", "substate": 41}, "starting"),
        ({"job_state": "R", "substate": 42}, "running"),
        ({"job_state": "E"}, "ending"),
        ({"job_state": "S"}, "suspended"),
        ({"job_state": "T"}, "queued"),
        ({"job_state": "W"}, "queued"),
        ({"job_state": "B"}, "running"),
        ({"job_state": "M"}, "strange"),
        ({}, "strange"),
    ],
)
def test_a_state(facts: dict[str, object], state: str) -> None:
    assert told(**facts).state == state
    assert told(**facts).in_queue


def test_what_a_job_waits_for() -> None:
    # from the capture of a chain: those that have ended well are no longer named
    assert told(job_state="H", depend="afterok:16.pbs01@pbs01:18.pbs01@pbs01").waits_for == ("16.pbs01", "18.pbs01")
    assert told(job_state="H", depend="afterok:18.pbs01@pbs01,beforeok:20.pbs01@pbs01").waits_for == ("18.pbs01",)
    assert (
        told(job_state="R", depend="beforeok:19.pbs01@pbs01:23.pbs01@pbs01,beforeany:21.pbs01@pbs01,").waits_for == ()
    )


def test_what_is_said_of_a_job_that_does_not_run() -> None:
    said = "Not Running: User has reached queue debug running job limit."
    assert told(job_state="Q", comment=said).reason == said
    assert not told(job_state="Q", comment=said).stuck
    assert told(job_state="Q", comment="Can Never Run: Not enough total nodes available").stuck
    assert told(job_state="H", Hold_Types="uo").reason == "held by its user, held by an operator"


def test_types_are_guessed_so_a_name_may_come_as_a_number() -> None:
    """PBS fact 1.6: text may come back as a number."""
    assert polled("pbs", answer(_1={"Job_Name": 12, "job_state": "Q"}))["1.pbs01"].name == "12"


RAN = "Job run at Sun Nov 22 at 12:05 on (nid[0]:ncpus=1)+(nid[1]:ncpus=1) and "
TOLD = "Job run at Sun Nov 22 at 12:05 and "
"""The nodes are left out: ten of them would be five lines."""
WAITED = {"Hold_Types": "s", "depend": "afterok:18.pbs01@pbs01,beforeok:20.pbs01@pbs01"}


@pytest.mark.parametrize(
    ("facts", "state", "ending"),
    [
        (
            {"substate": 92, "Exit_status": 0, "comment": RAN + "finished"},
            "done",
            Ending("exit", 0, text=TOLD + "finished"),
        ),
        (
            {"substate": 93, "Exit_status": 3, "comment": RAN + "failed"},
            "failed",
            Ending("exit", 3, text=TOLD + "failed"),
        ),
        ({"substate": 93, "Exit_status": 139}, "failed", Ending("exit", 139)),
        ({"substate": 91, "Exit_status": 271, "Hold_Types": "n"}, "failed", Ending("deleted")),
        ({"substate": 91, "Hold_Types": "u"}, "failed", Ending("deleted")),
        ({"substate": 91, **WAITED}, "failed", Ending("deleted")),
        ({"substate": 93, "Exit_status": -29}, "failed", Ending("walltime")),
        ({"substate": 92, **WAITED}, "failed", Ending("parent")),
        ({"substate": 93, "Exit_status": -3}, "failed", Ending("start")),
        ({"substate": 93, "Exit_status": -11}, "failed", Ending("unknown", text="Exit_status = -11")),
        ({"substate": 93, "Exit_status": 265}, "failed", Ending("exit", 137)),
        ({"substate": 92}, "failed", Ending("unknown")),
    ],
)
def test_how_a_job_ended(facts: dict[str, object], state: str, ending: Ending) -> None:
    """PBS fact 1.1: success is F with Exit_status 0; a child that was deleted has none, and the substate of a success."""
    job = told(job_state="F", **facts)
    assert (job.state, job.ending, job.in_queue) == (state, ending, False)


NONE = '{\n\t"timestamp":\t1795349073,\n\t"pbs_version":\t"23.06.06",\n\t"pbs_server":\t"pbs01"\n}\n'


def test_of_an_unknown_job_there_is_no_key() -> None:
    """PBS fact 1.6: the object has no `Jobs` key at all."""
    assert polled("pbs", NONE, status=153, err="qstat: Unknown Job Id 9999.pbs01\n") == {}
    assert polled("pbs", NONE) == {}


def test_of_several_jobs_the_known_ones_are_told() -> None:
    assert set(polled("pbs", RUNNING, status=153, err="qstat: Unknown Job Id 9999.pbs01\n")) == {"0.pbs01"}


def test_one_job() -> None:
    """PBS fact 1.3: without `-x`, a finished job is an error of status 35."""
    job = PBS.parse_poll_job(0, RUNNING, "")
    assert isinstance(job, JobState)
    assert job.state == "running"
    gone = "qstat: 0.pbs01 Job has finished, use -x or -H to obtain historical job information\n"
    assert PBS.parse_poll_job(35, NONE, gone) is None
    assert PBS.parse_poll_job(35, "", gone) is None
    assert PBS.parse_poll_job(153, "", "qstat: Unknown Job Id 9999.pbs01\n") is None
    assert PBS.parse_poll_job(None, "", "") == DoNotKnow("qstat did not answer")


@pytest.mark.parametrize(
    ("status", "out", "err", "why"),
    [
        (None, RUNNING, "", "qstat did not answer"),
        (1, "", "", "qstat said nothing, and ended with status 1"),
        (0, RUNNING[:300], "", "qstat wrote JSON that cannot be read"),
        (0, "{}", "", "qstat wrote JSON that is not of jobs"),
        (0, '{"pbs_version": "23", "Jobs": [1]}', "", "qstat wrote JSON that is not of jobs"),
        (0, '{"pbs_version": "23", "Jobs": {"1.a": 2}}', "", "qstat wrote JSON that is not of jobs"),
        (0, "hello\n", "", "qstat wrote what is no table: hello"),
        (170, NONE, "qstat: Unknown queue destination nosuch\n", "qstat: Unknown queue destination nosuch"),
        (
            153,
            NONE,
            "qstat: Unknown Job Id 9.pbs01\nqstat: Invalid credential\n",
            "qstat: Unknown Job Id 9.pbs01\nqstat: Invalid credential",
        ),
        (
            1,
            "",
            "Connection refused\nqstat: cannot connect to server pbs01 (errno=15010)\n",
            "Connection refused\nqstat: cannot connect to server pbs01 (errno=15010)",
        ),
    ],
)
def test_what_tells_nothing_of_jobs(status: int | None, out: str, err: str, why: str) -> None:
    assert PBS.parse_poll(status, out, err) == DoNotKnow(why)
    assert PBS.parse_history(status, out, err) == DoNotKnow(why)


TABLE = """\

pbs01:
                                                                                                   Req'd  Req'd   Elap
Job ID                         Username        Queue           Jobname         SessID   NDS  TSK   Memory Time  S Time
------------------------------ --------------- --------------- --------------- -------- ---- ----- ------ ----- - -----
0.pbs01                        carol           workq           good                1292    2     2    --  00:05 R 00:01    Job run at Sun Nov 22 at 12:04 on (nid[0]:ncpus=1)+(nid[1]:ncpus=1)
"""


def test_the_wide_table_of_a_user() -> None:
    assert polled("pbs", TABLE) == {
        "0.pbs01": JobState(
            "0.pbs01",
            "good",
            "running",
            "Job run at Sun Nov 22 at 12:04 on (nid[0]:ncpus=1)+(nid[1]:ncpus=1)",
            user="carol",
            queue="workq",
            nodes=2,
            walltime=300.0,
            left=240.0,
        )
    }


def test_the_narrow_table_is_understood_too() -> None:
    table = """\

pbs01:
                                                            Req'd  Req'd   Elap
Job ID          Username Queue    Jobname    SessID NDS TSK Memory Time  S Time
--------------- -------- -------- ---------- ------ --- --- ------ ----- - -----
5.pbs01         carol    debug    sleep.sh      --    1   1    --  00:10 H   --
10.pbs01        carol    stopq    sleep.sh      --    2   2    --  00:05 Q   --
"""
    jobs = polled("pbs", table)
    assert [(job, each.state, each.queue, each.nodes) for job, each in jobs.items()] == [
        ("5.pbs01", "held", "debug", 1),
        ("10.pbs01", "queued", "stopq", 2),
    ]


def test_an_id_that_is_cut_is_known_by_its_number() -> None:
    row = TABLE.splitlines()[-1].replace("0.pbs01                       ", "349726.polaris-pbs-01.hsn.cm.*")
    jobs = polled("pbs", "\n".join([*TABLE.splitlines()[:-1], row, ""]))
    assert list(jobs) == ["349726"]


def test_without_jobs_nothing_is_printed() -> None:
    """PBS fact 1.7: no header either, and exit 0."""
    assert polled("pbs", "") == {}
    assert isinstance(PBS.parse_poll(0, "", "qstat: Invalid credential\n"), DoNotKnow)


def test_a_torn_table_tells_nothing() -> None:
    assert isinstance(PBS.parse_poll(0, TABLE[:-120], ""), DoNotKnow)
