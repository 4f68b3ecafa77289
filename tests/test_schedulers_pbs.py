"""PBS: commands, and answers as OpenPBS 23.06 printed them."""

import json
import time

import pytest
from scheduler_answers import JOB, polled, refused, scheduler

from hpcmake.runners.schedulers.jobs import Changed, DoNotKnow, Ending, JobState, Refused, Submission, Submitted
from hpcmake.site import NodeKind, Queue, Site

PBS = scheduler("pbs")
KIND = NodeKind("a100", 32, words=("system=polaris",))
POLARIS = Site("polaris", "pbs", "mpiexec", project="P", filesystems=("home", "eagle"), nodes=(KIND,))
DEBUG = Queue("debug", "a100", (1, 2), ((1, 7200),))


# ---------------------------------------------------------------- submitting


def test_a_job() -> None:
    assert " ".join(PBS.render_submit(POLARIS, DEBUG, JOB)) == (
        "qsub -l select=2:system=polaris -l place=scatter -l walltime=01:30:30 -l filesystems=home:eagle"
        " -N hm0a1b2-0001-x7 -r n -j oe -o /c/out -q debug -A P /c/job.sh"
    )


def test_a_job_with_parents_in_a_preemptable_queue() -> None:
    job = JOB.replace(parents=("16.pbs01", "18.pbs01"), after="any", error="/c/err", held=True)
    site = Site("pbs", "pbs", "mpiexec", submit_words=("-k", "doe"))
    assert " ".join(PBS.render_submit(site, DEBUG.replace(preemptable=True), job)) == (
        "qsub -l select=2 -l place=scatter -l walltime=01:30:30 -N hm0a1b2-0001-x7 -r y -e /c/err -o /c/out"
        " -W depend=afterany:16.pbs01:18.pbs01 -h -q debug -k doe /c/job.sh"
    )


@pytest.mark.parametrize(("seconds", "text"), [(0.5, "00:00:01"), (90, "00:01:30"), (360_000, "100:00:00")])
def test_a_walltime_has_two_colons(seconds: float, text: str) -> None:
    assert f"walltime={text}" in PBS.render_submit(POLARIS, DEBUG, JOB.replace(walltime=seconds))


@pytest.mark.parametrize(
    "job",
    [
        JOB.replace(after="notok", parents=("1",)),
        JOB.replace(script="job.sh"),
        JOB.replace(nodes=0),
        JOB.replace(walltime=0.0),
        JOB.replace(walltime=float("nan")),
        JOB.replace(name=""),
    ],
)
def test_what_pbs_cannot_do(job: Submission) -> None:
    with pytest.raises(ValueError, match=r"job"):
        PBS.render_submit(POLARIS, DEBUG, job)


LONG = "349726.polaris-pbs-01.hsn.cm.polaris.alcf.anl.gov"


@pytest.mark.parametrize("job", ["0.pbs01", "16.pbs01", LONG, "17[].pbs01"])
def test_the_id_of_a_job(job: str) -> None:
    assert PBS.parse_submitted(0, job + "\n", "") == Submitted(job)


@pytest.mark.parametrize(
    ("err", "status", "kind"),
    [
        ("qsub: Unknown queue\n", 170, "never"),
        ("qsub: script file:: No such file or directory\n", 1, "never"),
        ("qsub: Illegal attribute or resource value Resource_List.walltime\n", 166, "never"),
        ("qsub: Job violates queue and/or server resource limits\n", 188, "never"),
        ("qsub: would exceed queue generic's per-user limit\n", 38, "again"),
        ("qsub: Queue is not enabled\n", 173, "never"),
        ("qsub: Access to queue is denied\n", 174, "never"),
        ("qsub: Account_Name is required to be set.\n", 1, "never"),
        ("qsub: Resource: filesystems is required to be set.\n", 1, "never"),
        ("qsub: No active allocation found for project X and resource polaris\n", 1, "never"),
        ("qsub: Maximum number of jobs already in queue\n", 198, "again"),
        ("qsub: Job rejected by all possible destinations\n", 191, "never"),
        ("qsub: Invalid Account\n", 201, "never"),
        ("qsub: Unknown resource: Resource_List.nosuch\n", 187, "never"),
        ("qsub: something nobody has seen, with a status that says it\n", 38, "again"),
        ("qsub: something nobody has seen, with a status that says it\n", 188, "never"),
    ],
)
def test_a_refusal(err: str, status: int, kind: str) -> None:
    assert refused("pbs", status, err) == (kind, err.strip(), False)


def test_a_bad_dependency() -> None:
    err = (
        "qsub: illegal -W value\nusage: qsub [-a date_time] [-A account_string] [-c interval]\n"
        "\t[-C directive_prefix] [-e path] [-f ] [-h ] [-I [-X]] [-j oe|eo] [-J X-Y[:Z]]\n       qsub --version\n"
    )
    assert refused("pbs", 2, err) == ("never", "qsub: illegal -W value", False)


@pytest.mark.parametrize(
    ("err", "status"),
    [
        ("Connection refused\nqsub: cannot connect to server pbs01 (errno=15010)\n", 162),
        ("Connection timed out\nqsub: cannot connect to server pbs01 (errno=111)\n", 1),
        ("qsub: Invalid credential\n", 171),
        ("qsub: Premature end of message\n", 183),
        ("qsub: Request not allowed: Server shutting down\n", 212),
        ("qsub: System error: \n", 162),
        ("qsub: Server connection table full\n", 13),
    ],
)
def test_a_server_that_is_away_may_have_taken_the_job_before(err: str, status: int) -> None:
    kind, _, may_be_queued = refused("pbs", status, err)
    assert (kind, may_be_queued) == ("again", True)


@pytest.mark.parametrize(
    ("status", "out", "err", "answer"),
    [
        (None, "", "", Refused("again", "qsub did not answer", may_be_queued=True)),
        (0, "", "", Refused("unknown", "qsub said nothing, and ended with status 0", may_be_queued=True)),
        (1, "", "no\n", Refused("unknown", "no", may_be_queued=True)),
        (0, "16.pbs01\n", "pbs_iff: cannot connect to host\nwelcome\n", Submitted("16.pbs01", ("welcome",))),
        (None, "16.pbs01\n", "", Submitted("16.pbs01")),
    ],
)
def test_answers_that_nobody_has_seen(status: int | None, out: str, err: str, answer: object) -> None:
    assert PBS.parse_submitted(status, out, err) == answer


# ---------------------------------------------------------------- looking


def test_polls() -> None:
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
    assert told(job_state="H", Hold_Types="uo").reason == "held by its user, held by an operator"


def test_types_are_guessed_so_a_name_may_come_as_a_number() -> None:
    assert polled("pbs", answer(_1={"Job_Name": 12, "job_state": "Q"}))["1.pbs01"].name == "12"


RAN = "Job run at Sun Nov 22 at 12:05 on (nid[0]:ncpus=1) and "
WAITED = {"Hold_Types": "s", "depend": "afterok:18.pbs01@pbs01,beforeok:20.pbs01@pbs01"}


@pytest.mark.parametrize(
    ("facts", "state", "ending"),
    [
        (
            {"substate": 92, "Exit_status": 0, "comment": RAN + "finished"},
            "done",
            Ending("exit", 0, text=RAN + "finished"),
        ),
        (
            {"substate": 93, "Exit_status": 3, "comment": RAN + "failed"},
            "failed",
            Ending("exit", 3, text=RAN + "failed"),
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
    job = told(job_state="F", **facts)
    assert (job.state, job.ending, job.in_queue) == (state, ending, False)


NONE = '{\n\t"timestamp":\t1795349073,\n\t"pbs_version":\t"23.06.06",\n\t"pbs_server":\t"pbs01"\n}\n'


def test_of_an_unknown_job_there_is_no_key() -> None:
    assert polled("pbs", NONE, status=153, err="qstat: Unknown Job Id 9999.pbs01\n") == {}
    assert polled("pbs", NONE) == {}


def test_of_several_jobs_the_known_ones_are_told() -> None:
    assert set(polled("pbs", RUNNING, status=153, err="qstat: Unknown Job Id 9999.pbs01\n")) == {"0.pbs01"}


def test_one_job() -> None:
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
    assert polled("pbs", "") == {}
    assert isinstance(PBS.parse_poll(0, "", "qstat: Invalid credential\n"), DoNotKnow)


def test_a_torn_table_tells_nothing() -> None:
    assert isinstance(PBS.parse_poll(0, TABLE[:-120], ""), DoNotKnow)


# ---------------------------------------------------------------- changing


def test_deleting() -> None:
    assert PBS.render_cancel(["28.pbs01", "27.pbs01"]) == ["qdel", "28.pbs01", "27.pbs01"]
    assert PBS.parse_cancelled(["28.pbs01", "27.pbs01"], 0, "", "") == Changed(("28.pbs01", "27.pbs01"))


@pytest.mark.parametrize(
    ("err", "status", "changed"),
    [
        ("qdel: Request invalid for state of job 27.pbs01\n", 168, Changed(("28.pbs01",), gone=("27.pbs01",))),
        ("qdel: Unknown Job Id 27.pbs01\n", 153, Changed(("28.pbs01",), gone=("27.pbs01",))),
        (
            "qdel: Unauthorized Request  27.pbs01\n",
            159,
            Changed(("28.pbs01",), refused=(("27.pbs01", "Unauthorized Request"),)),
        ),
    ],
)
def test_deleting_what_cannot_be_deleted(err: str, status: int, changed: Changed) -> None:
    assert PBS.parse_cancelled(["28.pbs01", "27.pbs01"], status, "", err) == changed


def test_deleting_where_the_server_is_away() -> None:
    err = "Connection refused\nqdel: cannot connect to server pbs01 (errno=15010)\n"
    assert isinstance(PBS.parse_cancelled(["1.pbs01"], 1, "", err), DoNotKnow)
    assert isinstance(PBS.parse_cancelled(["1.pbs01"], None, "", ""), DoNotKnow)
    assert isinstance(PBS.parse_cancelled(["1.pbs01"], 1, "", ""), DoNotKnow)


def test_other_changes() -> None:
    assert PBS.render_release(["33.pbs01"]) == ["qrls", "33.pbs01"]
    assert PBS.render_walltime("33.pbs01", 600) == ["qalter", "-l", "walltime=00:10:00", "33.pbs01"]
    assert PBS.render_parents("33.pbs01", []) is None
    assert PBS.parse_changed(["33.pbs01"], 0, "", "") == Changed(("33.pbs01",))
    assert PBS.parse_changed(["32"], 159, "", "qalter: Unauthorized Request  32.pbs01\n") == Changed(
        refused=(("32", "Unauthorized Request"),)
    )
    assert PBS.parse_changed(["9999"], 153, "", "qhold: Unknown Job Id 9999.pbs01\n") == Changed(gone=("9999",))
