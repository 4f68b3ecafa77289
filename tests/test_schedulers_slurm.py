"""Slurm: commands, and answers as version 22.05 printed them."""

import pytest
from scheduler_answers import JOB, refused, scheduler

from hpcmake.runners.schedulers.jobs import Changed, DoNotKnow, Refused, Submitted
from hpcmake.site import NodeKind, Queue, Site

SLURM = scheduler("slurm")
KIND = NodeKind("gpu", 64, words=("-C", "gpu"))
QUEUE = Queue("debug", "gpu", (1, 8), ((1, 7200),), words=("-q", "debug"))
SITE = Site("perlmutter", "slurm", "srun", project="m1", nodes=(KIND,), submit_words=("--mail-type=NONE",))


# ---------------------------------------------------------------- submitting


def test_a_job() -> None:
    assert " ".join(SLURM.render_submit(SITE, QUEUE, JOB.replace(held=True))) == (
        "sbatch --parsable -N 2 -t 91 -J hm0a1b2-0001-x7 -o /c/out --open-mode=append --no-requeue --no-kill --exclusive"
        " -H -q debug -A m1 -C gpu --mail-type=NONE /c/job.sh"
    )


def test_a_job_with_parents_in_a_preemptable_queue() -> None:
    queue = Queue("spare", "gpu", (1, 8), ((1, 7200),), preemptable=True)
    job = JOB.replace(parents=("1", "2"), error="/c/err")
    assert " ".join(SLURM.render_submit(Site("slurm", "slurm", "srun"), queue, job)) == (
        "sbatch --parsable -N 2 -t 91 -J hm0a1b2-0001-x7 -o /c/out -e /c/err --open-mode=append --requeue --no-kill"
        " --exclusive --dependency=afterok:1:2 --kill-on-invalid-dep=no -p spare /c/job.sh"
    )
    assert "--dependency=afterany:1:2" in SLURM.render_submit(SITE, queue, job.replace(after="any"))


def test_no_sign_of_a_path_stands_for_something() -> None:
    assert "/c/50%%/out" in SLURM.render_submit(SITE, QUEUE, JOB.replace(output="/c/50%/out"))


@pytest.mark.parametrize(("out", "job"), [("2\n", "2"), ("12;sim\n", "12")])
def test_the_id_of_a_job(out: str, job: str) -> None:
    assert SLURM.parse_submitted(0, out, "") == Submitted(job)


FAILED = "sbatch: error: Batch job submission failed: "
POLICY = FAILED + "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"


@pytest.mark.parametrize(
    ("err", "kind"),
    [
        (f"sbatch: error: invalid partition specified: nopart\n{FAILED}Invalid partition name specified", "never"),
        (FAILED + "Invalid account or account/partition combination specified", "never"),
        (FAILED + "Requested node configuration is not available", "never"),
        (f"sbatch: error: QOSMaxSubmitJobPerUserLimit\n{POLICY}", "again"),
        (f"sbatch: error: AssocMaxSubmitJobLimit\n{POLICY}", "again"),
        (f"sbatch: error: QOSMaxWallDurationPerJobLimit\n{POLICY}", "never"),
        (POLICY, "unknown"),
        (FAILED + "Invalid qos specification", "never"),
        (FAILED + "Node count specification invalid", "never"),
        (FAILED + "Job dependency problem", "never"),
        ("sbatch: error: Invalid --time specification", "never"),
        ('sbatch: error: "abc" is not a valid node count', "never"),
        ("sbatch: error: Unable to open file nosuch.sh", "never"),
        ("sbatch: unrecognized option '--nosuch'\nTry \"sbatch --help\" for more information", "never"),
        (FAILED + "Invalid feature specification", "never"),
        ("sbatch: error: Invalid generic resource (gres) specification", "never"),
        (
            f"sbatch: error: Memory specification can not be satisfied\n{FAILED}Requested node configuration is not available",
            "never",
        ),
        (
            (
                "sbatch: error: This does not look like a batch script.  The first\n"
                "sbatch: error: line must start with #! followed by the path to an interpreter.\n"
                "sbatch: error: For instance: #!/bin/sh"
            ),
            "never",
        ),
        ("sbatch: error: Batch script is empty!", "never"),
        (FAILED + "Requested time limit is invalid (missing or exceeds some limit)", "never"),
    ],
)
def test_a_refusal(err: str, kind: str) -> None:
    assert refused("slurm", 1, err + "\n") == (kind, err, False)


@pytest.mark.parametrize(
    "err",
    [
        FAILED + "Unable to contact slurm controller (connect failure)",
        FAILED + "Socket timed out on send/recv operation",
        FAILED + "Zero Bytes were transmitted or received",
        FAILED + "Protocol authentication error",
        "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying",
    ],
)
def test_a_controller_that_is_away_may_have_taken_the_job(err: str) -> None:
    assert refused("slurm", 1, err + "\n") == ("again", err, True)


@pytest.mark.parametrize(
    ("status", "out", "err", "answer"),
    [
        (None, "", "", Refused("again", "sbatch did not answer", may_be_queued=True)),
        (0, "", "", Refused("unknown", "sbatch said nothing, and ended with status 0", may_be_queued=True)),
        (0, "Submitted\n", "", Refused("unknown", "Submitted", may_be_queued=True)),
        (1, "", "sbatch: error: no\n", Refused("unknown", "sbatch: error: no", may_be_queued=True)),
        (0, "9\n", "sbatch: your project is low\n", Submitted("9", ("sbatch: your project is low",))),
        (None, "9\n", "", Submitted("9")),
    ],
)
def test_answers_that_nobody_has_seen(status: int | None, out: str, err: str, answer: object) -> None:
    assert SLURM.parse_submitted(status, out, err) == answer


# ---------------------------------------------------------------- changing


def test_cancelling() -> None:
    assert SLURM.render_cancel(["3", "2"]) == ["scancel", "3", "2"]
    assert SLURM.parse_cancelled(["3", "2"], 0, "", "") == Changed(("3", "2"))


def test_cancelling_what_is_not_ours() -> None:
    err = "scancel: error: Kill job error on job id 25: Access/permission denied\n"
    assert SLURM.parse_cancelled(["24", "25"], 210, "", err) == Changed(
        ("24",), refused=(("25", "Access/permission denied"),)
    )


@pytest.mark.parametrize(
    ("status", "err"),
    [
        (8, "scancel: error: Kill job error on job id 5: Unable to contact slurm controller (connect failure)\n"),
        (1, "scancel: error: Invalid job id abc\n"),
        (None, ""),
        (1, ""),
    ],
)
def test_cancelling_where_nobody_knows(status: int | None, err: str) -> None:
    assert isinstance(SLURM.parse_cancelled(["5"], status, "", err), DoNotKnow)


def test_other_changes() -> None:
    assert SLURM.render_release(["4", "999"]) == ["scontrol", "release", "4", "999"]
    assert SLURM.render_walltime("3", 1200) == ["scontrol", "update", "JobId=3", "TimeLimit=20"]
    assert SLURM.render_parents("3", ["1", "2"], after="any") == [
        *("scontrol", "update", "JobId=3", "Dependency=afterany:1:2")
    ]
    assert SLURM.render_parents("3", []) == ["scontrol", "update", "JobId=3", "Dependency="]


@pytest.mark.parametrize(
    ("err", "changed"),
    [
        ("", Changed(("4", "999"))),
        (
            "Invalid job id specified for job 999\nslurm_suspend error: Invalid job id specified\n",
            Changed(("4",), gone=("999",)),
        ),
        (
            "Job has already finished for job 4\nslurm_suspend error: Job has already finished\n",
            Changed(("999",), gone=("4",)),
        ),
        ("Access/permission denied for job 4\n", Changed(("999",), refused=(("4", "Access/permission denied"),))),
        (
            "Invalid user id for job 4\nslurm_suspend error: Invalid user id\n",
            Changed(("999",), refused=(("4", "Invalid user id"),)),
        ),
    ],
)
def test_what_became_of_a_change(err: str, changed: Changed) -> None:
    assert SLURM.parse_changed(["4", "999"], 1 if err else 0, "", err) == changed


def test_a_change_where_the_controller_is_away() -> None:
    err = "Unexpected message received for job 5\nslurm_suspend error: Unexpected message received\n"
    assert isinstance(SLURM.parse_changed(["5"], 1, "", err), DoNotKnow)
    assert isinstance(SLURM.parse_changed(["5"], None, "", ""), DoNotKnow)
