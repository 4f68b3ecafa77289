"""`hpcmake sites NAME --check`: a site is tried on the machine; here schedulers and launchers are scripts on PATH."""

import re
import sys
from pathlib import Path

import pytest
from command import Command

GALAXY = f"""\
name = "galaxy"
scheduler = "slurm"
launcher = "srun"
python = "{sys.executable}"
project = "stars"
needs = ["project"]
[node.cpu]
cores = 4
[[queue]]
name = "short"
node = "cpu"
nodes = [1, 2]
longest = [[1, "10m"]]
purpose = "trial"
"""

SBATCH = """\
case " $* " in *" -H "*) echo 8; exit ;; esac
export SLURM_JOB_ID=7 SLURM_JOB_NODELIST='node[1-2]' SLURM_JOB_CPUS_PER_NODE='4(x2)'
"${@: -1}" > /dev/null
echo "7;galaxy"
"""

SUBMITTED = (
    "sbatch --parsable -N 1 -t 5 -J hmcheck -o HERE/.hpcmake-check/out --open-mode=append"
    " --no-requeue --no-kill --exclusive -p short -A stars HERE/.hpcmake-check/job.sh"
)

PYTHON = "{}.{}".format(*sys.version_info)


@pytest.fixture
def user(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, on a machine with a Slurm that runs a job at once."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    for variable in ("SLURM_JOB_ID", "PBS_JOBID", "COBALT_JOBID", "SLURM_JOB_END_TIME"):
        monkeypatch.delenv(variable, raising=False)
    command.write("sites/galaxy.toml", GALAXY)
    install(command, "sbatch", SBATCH)
    install(command, "squeue", "echo 5:00")
    install(command, "scancel", f'echo "$@" >> {command.root}/cancelled')
    install(command, "sinfo", "echo 'short|2|4|10:00|1-2'")
    install(command, "srun", 'while [ "$1" != --wait=0 ]; do shift; done; shift; "$@"')
    return command


def install(command: Command, name: str, text: str) -> None:
    path = command.root.parent / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


def lines(command: Command, *words: str, status: int = 0) -> list[str]:
    """Return what the check prints, without what differs from call to call."""
    result = command.say("sites", "galaxy", "--check", *words)
    assert (result.status, result.err) == (status, "")
    text = re.sub(r"\.hpcmake-check-[0-9-]+", ".hpcmake-check", result.out).replace(str(command.root), "HERE")
    text = re.sub(r"started in [0-9.]+s", "started in Ts", text).replace(sys.executable, "PYTHON")
    return re.sub(r"is [0-9.]+ on \S+,", "is VERSION on NODE,", text).splitlines()


def test_all_is_well(user: Command) -> None:
    assert lines(user) == [
        "ok      commands         sbatch, squeue, scancel, sinfo",
        "ok      launcher         srun",
        "ok      project          stars",
        "ok      folder           HERE can be written",
        f"ok      python here      PYTHON is {PYTHON}",
        "ok      queues           short",
        "ok      queue short      as the site says",
        "--      trial job        submitting one job of at most 0.083 node-hours",
        f"{'':25}{SUBMITTED}",
        "ok      trial job        7 ran",
        "ok      nodes            job 7 of Slurm: 2 nodes, node[1-2], 5m left",
        "ok      python on a node PYTHON is VERSION on NODE, started in Ts",
        "ok      jobs from jobs   a job may submit others",
    ]
    assert user.text("cancelled") == "8\n", "the held job is taken out again"
    assert set(user.files()) == {"sites/galaxy.toml", "cancelled"}, "nothing is left behind"


def test_as_json(user: Command) -> None:
    result = user.say("sites", "galaxy", "--check", "--json")
    assert [row["ok"] for row in result.kind("check")] == [True] * 7 + [None] + [True] * 4
    assert result.rows[0] == {
        "kind": "check",
        "what": "commands",
        "ok": True,
        "found": "sbatch, squeue, scancel, sinfo",
        "mend": "",
    }


def test_where_the_scheduler_is_not(user: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(user.root.parent / "bin"))  # for this machine may have one
    (user.root.parent / "bin" / "sbatch").unlink()
    (user.root.parent / "bin" / "srun").unlink()
    assert lines(user, status=3) == [
        "NOT OK  commands         not on PATH: sbatch",
        f"{'':25}call this where slurm is (a login node), or load its module",
        "--      launcher         srun is not here; the trial job looks where scripts run",
        "ok      project          stars",
        "ok      folder           HERE can be written",
        f"ok      python here      PYTHON is {PYTHON}",
        "--      queues           not tried: slurm is not here",
        f"{'':25}call this on a login node",
        "--      trial job        not tried either",
    ]


def test_a_site_that_promises_more_than_there_is(user: Command) -> None:
    more = '[[queue]]\nname = "shrot"\nnode = "cpu"\nnodes = [1, 2]\nlongest = [[1, "10m"]]\n'
    user.write("sites/galaxy.toml", GALAXY.replace("10m", "1h").replace("= 4", "= 8") + more)
    assert lines(user, status=3)[5:10] == [
        "ok      queues           short",
        "NOT OK  queue short      the scheduler gives 10m, the site says 1h; its nodes have 4 CPUs, the site says 8 cores",
        f"{'':25}correct it in sites/galaxy.toml",
        "NOT OK  queue shrot      the scheduler has none of that name: did you mean `short`?",
        f"{'':25}see sites/galaxy.toml",
    ]


def test_a_queue_of_more_nodes_than_there_are(user: Command) -> None:
    user.write("sites/galaxy.toml", GALAXY.replace("[1, 2]", "[1, 9]"))
    told = "NOT OK  queue short      the scheduler gives 2 nodes, the site says 9"
    assert told in lines(user, status=3)


def test_without_a_project_nothing_is_submitted(user: Command) -> None:
    user.write("sites/galaxy.toml", GALAXY.replace('project = "stars"\n', ""))
    told = lines(user, status=3)
    assert told[2:4] == [
        "NOT OK  project          no job is taken without it",
        f'{"":25}write project = "NAME" into sites/galaxy.toml',
    ]
    assert told[-1] == "--      trial job        not tried, for what is said above"


def test_a_scheduler_that_does_not_answer(user: Command) -> None:
    install(user, "sinfo", "echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1")
    assert lines(user, status=3)[5:] == [
        "NOT OK  queues           sinfo does not answer: slurm_load_partitions: Unable to contact slurm controller",
        f"{'':25}try again later",
        "--      trial job        not tried, for what is said above",
    ]


def test_without_a_queue_for_trials_nothing_is_submitted(user: Command) -> None:
    user.write("sites/galaxy.toml", GALAXY.replace('purpose = "trial"\n', ""))
    assert lines(user)[-1] == "--      trial job        nothing is submitted: the site names no queue for trials"


def test_a_submission_that_is_refused(user: Command) -> None:
    install(user, "sbatch", "echo 'sbatch: error: Batch job submission failed: Invalid qos specification' >&2; exit 1")
    assert lines(user, status=3)[-2:] == [
        "NOT OK  trial job        refused: sbatch: error: Batch job submission failed: Invalid qos specification",
        f"{'':25}see HERE/.hpcmake-check",
    ]


def test_a_node_without_that_python_and_jobs_that_may_submit_none(user: Command) -> None:
    refuse = 'echo "sbatch: error: not allowed" >&2; exit 1'
    install(user, "sbatch", SBATCH.replace("echo 8; exit", refuse))
    install(user, "srun", "echo 'slurmstepd: error: execve(): python3: No such file or directory' >&2; exit 2")
    assert lines(user, status=3)[-5:] == [
        "ok      nodes            job 7 of Slurm: 2 nodes, node[1-2], 5m left",
        "NOT OK  python on a node slurmstepd: error: execve(): python3: No such file or directory",
        f'{"":25}write python = "/path/to/python3" into sites/galaxy.toml',
        "NOT OK  jobs from jobs   refused: sbatch: error: not allowed",
        f'{"":25}write submit_from_jobs = "no" into sites/galaxy.toml',
    ]


def test_a_job_that_cannot_start_hpcmake(user: Command) -> None:
    install(
        user,
        "sbatch",
        SBATCH.replace(
            '"${@: -1}"', 'sed -i \'s/^.*import sys.*$/exit_with() { return 127; }; exit_with/\' "${@: -1}"; "${@: -1}"'
        ),
    )
    assert lines(user, status=3)[-2:] == [
        "NOT OK  trial job        7 could not start hpcmake",
        f"{'':25}see HERE/.hpcmake-check/out: PYTHON must be there on nodes, or name another file system",
    ]


def test_a_job_that_ends_and_tells_nothing(user: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpcmake.app.site_trial.LOOK", 0.0)
    install(user, "sbatch", "echo 7")
    install(user, "squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    assert lines(user, status=3)[-2:] == [
        "NOT OK  trial job        7 has ended and told nothing",
        f"{'':25}see HERE/.hpcmake-check/out",
    ]


def test_this_machine_has_no_scheduler_to_try(user: Command) -> None:
    install(user, "mpiexec", "")
    result = user.say("sites", "local", "--check")
    assert [line[:16].rstrip() for line in result.out.splitlines()] == [
        "ok      launcher",
        "ok      folder",
        "ok      python h",
    ]


def test_one_site_is_tried_at_a_time(user: Command) -> None:
    result = user.say("sites", "--check")
    assert result.status == 2
    assert result.err == "error[E808]: `--check` tries one site\n  help: name it: `hpcmake sites NAME --check`\n"
