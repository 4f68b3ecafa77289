"""PBS: commands, and answers as OpenPBS 23.06 printed them."""

import pytest
from scheduler_answers import JOB, refused, scheduler

from hpcmake.runners.schedulers.jobs import Changed, DoNotKnow, Refused, Submission, Submitted
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
    """PBS fact 1.8: `1:30` would be minutes and seconds."""
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
    """PBS fact 1.4: the exit status is the number of the error modulo 256, and alone tells the reason, too."""
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
