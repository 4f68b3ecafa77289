"""Running on the nodes of the job that we are in: what is used, what is told, and how such a job ends.

The job is one of Theta, and its `aprun` a script that starts the program here; it tells each task its node as `NID`.
"""

import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
from command import Command, Result
from job_runs import APRUN, theta_job


class Job:
    """A job of some nodes of Theta, and the command in it."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.bin = command.root.parent / (command.root.name + "-bin")
        self.bin.mkdir()
        (self.bin / "aprun").write_text(APRUN.format(root=self.bin))
        (self.bin / "aprun").chmod(0o755)

    def env(self, nodes: int = 4, left: float = 7200, number: int = 123) -> dict[str, str]:
        path = self.command.environment()["PATH"]
        return {"PATH": f"{self.bin}:{path}", **theta_job(number, nodes, left)}

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> Result:
        return self.command.say("--json", *arguments, env=env or self.env())

    def launches(self) -> list[str]:
        path = self.bin / "launches"
        return path.read_text().splitlines() if path.exists() else []

    def fail_launches(self, *texts: str) -> None:
        """Let the next launches end with these words, before anything is started."""
        (self.bin / "faults").write_text("".join(text + "\n" for text in texts))


@pytest.fixture
def job(command: Command) -> Job:
    return Job(command)


SHARED = """\
target all: "out/{n}.txt" for n in 1..12

rule a:
    output: "out/{n}.txt"
    cores: 32
    run: echo $NID > {output}
"""

WIDE = """\
target all: "w{k}.txt" for k in 1..3

rule w:
    output: "w{k}.txt"
    nodes: 2
    ranks_per_node: 64
    run: {launch} true; echo {launch} > {output}
"""


def meeting(nodes: int) -> str:
    """Return a Wfile of tasks that wait until some have begun on so many nodes."""
    wait = f"touch up.$NID; until [ $(ls up.* | wc -l) = {nodes} ]; do :; done; "
    return SHARED.replace("run: ", f"run: {wait}")


def test_tasks_share_the_nodes_of_the_job(job: Job) -> None:
    job.command.wfile(meeting(4))
    result = job.run()
    assert result.status == 0, result
    assert len(result.done) == 12
    used = {job.command.text(f"out/{n}.txt").strip() for n in range(1, 13)}
    assert used == {"3826", "3827", "3828", "3829"}
    assert len(job.launches()) == 4, "a node that has more to do is not launched again"
    (start,) = result.kind("start")
    assert start["where"].startswith("4 nodes of theta, job 123, ")


def test_a_node_program_has_all_of_its_node(job: Job) -> None:
    job.command.wfile(SHARED)
    job.run()
    for line in job.launches():
        assert "-n 1 -N 1 -d 256 -j 4 -cc none -L 38" in line, line


def test_a_task_with_nodes_is_launched_on_exactly_those(job: Job) -> None:
    job.command.wfile(WIDE)
    result = job.run()
    assert result.status == 0, result
    text = {job.command.text(f"w{k}.txt").strip() for k in (1, 2, 3)}
    assert text <= {
        f"aprun -n 128 -N 64 -d 1 -j 1 -cc depth -L {nodes}" for nodes in ("3826-3827", "3828-3829", "3827-3828")
    } | {f"aprun -n 128 -N 64 -d 1 -j 1 -cc depth -L {a},{b}" for a in range(3826, 3830) for b in range(3826, 3830)}
    assert len(text) >= 2, "two run side by side"


def test_fewer_nodes_may_be_used_than_are_held(job: Job) -> None:
    job.command.wfile(meeting(2))
    result = job.run("-j", "2")
    assert result.status == 0
    assert {job.command.text(f"out/{n}.txt").strip() for n in range(1, 13)} == {"3826", "3827"}


def test_more_nodes_than_are_held_are_not_there(job: Job) -> None:
    job.command.wfile(SHARED)
    result = job.run("-j", "512")
    assert result.status == 0
    assert "-j 512 asks for more nodes than this job has: 4 are used" in result.notes


# ---------------------------------------------------------------- what does not fit


def test_what_no_node_can_hold_is_told_before_anything_runs(job: Job) -> None:
    job.command.wfile(SHARED.replace("cores: 32", "cores: 68"))
    result = job.command.say(env=job.env())
    assert result.status == 2
    assert result.err == (
        "error[E503]: a[n=1] wants 68 cores, and a node of this job has 64\n"
        " --> Wfile:5:12\n"
        "5 |     cores: 68\n"
        "  |            ^^\n"
        "  = help: ask for less\n"
    )
    assert job.launches() == []


def test_a_task_that_is_larger_than_the_job_is_left_and_the_rest_runs(job: Job) -> None:
    job.command.wfile(
        'target all: "w1.txt", "out/1.txt"\n\n'
        + WIDE.partition("\n\n")[2].replace("nodes: 2", "nodes: 8")
        + "\n"
        + SHARED.partition("\n\n")[2]
    )
    result = job.run()
    assert result.status == 75
    assert result.done == ["a[n=1]"]
    assert "w[k=1] wants 8 nodes, and this job has 4: it is left for a larger one" in result.notes


def test_what_does_not_end_in_time_is_not_begun(job: Job) -> None:
    """Cobalt fact 9.9: no task is started that needs more than is left, and the job does not exit 0 then."""
    job.command.wfile(
        """
        target all: "long.txt", "short.txt"

        rule long:
            output: "long.txt"
            time: 3h
            run: echo > {output}

        rule short:
            output: "short.txt"
            time: 10m
            run: echo > {output}
        """
    )
    result = job.run()
    assert result.status == 75
    assert result.done == ["short"]
    assert result.ran == ["short"]
    assert result.summary["left"] == 1
    # the next job has the time
    result = job.run(env=job.env(left=6 * 3600, number=124))
    assert (result.status, result.done) == (0, ["long"])


def test_a_job_whose_time_is_over_does_nothing(job: Job) -> None:
    job.command.wfile(SHARED)
    result = job.run(env=job.env(left=0))
    assert result.status == 75
    assert result.ran == []
    assert result.summary["left"] == 12


# ---------------------------------------------------------------- faults


def test_a_launcher_that_fails_to_start_costs_no_task_a_retry(job: Job) -> None:
    job.command.wfile(SHARED.replace("1..12", "1..1"))
    job.fail_launches("apsched: no more claims allowed for this reservation (max 1000)")
    result = job.run()
    assert (result.status, result.done, result.failed) == (0, ["a[n=1]"], [])
    assert (
        "a launch on 3826 has failed (apsched: no more claims allowed for this reservation (max 1000)); "
        "it is tried again in 1 s" in result.notes
    )


def test_nor_does_one_that_fails_for_a_task_with_nodes(job: Job) -> None:
    job.command.wfile(WIDE.replace("1..3", "1..1"))
    job.fail_launches("apsched: no more claims allowed for this reservation (max 1000)")
    result = job.run()
    assert (result.status, result.done, result.failed) == (0, ["w[k=1]"], []), result
    assert "the launcher of w[k=1] has failed (apsched: no more claims" in result.notes


def test_a_launcher_that_is_not_there_is_one_clear_error(job: Job) -> None:
    job.command.wfile(SHARED)
    (job.bin / "aprun").unlink()
    result = job.command.say(env=job.env())
    assert result.status == 3
    assert result.err == (
        "error[E915]: the launcher of theta, `aprun`, is not on the PATH\n"
        "  help: load what brings it (a module?), or name the site that this machine is: `--site NAME`\n"
    )


def test_a_python_that_is_not_there_is_one_clear_error(job: Job) -> None:
    job.command.wfile(SHARED)
    job.command.write("site.toml", 'name = "theta"\nextends = "theta"\npython = "/nowhere/python3"\n')
    (job.bin / "aprun").write_text("#!/bin/bash\necho 'aprun: exec: /nowhere/python3: not found' >&2; exit 127\n")
    result = job.run()
    assert result.status == 3
    assert result.ran == []
    assert "no node could be used: the launch on 3826 ended with" in result.notes


def test_a_task_that_fails_on_one_node_and_not_on_others_is_noticed(job: Job) -> None:
    job.command.wfile(
        """
        target all: "x.txt"

        rule x:
            output: "x.txt"
            retries: 1
            run: [ $NID != 3826 ] && echo $NID > {output}
        """
    )
    result = job.run()
    assert result.status == 0, result
    assert "x failed on " in result.notes
    assert " and has succeeded on " in result.notes


# ---------------------------------------------------------------- the end of a job


def test_a_job_that_is_told_to_end_ends_what_runs_and_says_so(job: Job) -> None:
    """Cobalt fact 1.5, Cobalt fact 9.7: a script that traps SIGTERM must not exit 0, else children start."""
    command = job.command
    command.wfile(
        """
        target all: "x.txt"

        rule x:
            output: "x.txt"
            retries: 0
            run: echo > up; sleep 1000; echo > {output}
        """
    )
    up = command.fifo("up")
    running = command.start("--json", env=job.env())
    up.read_text()
    running.interrupt(signal.SIGTERM)
    result = running.end()
    assert result.status == 143, result
    (cut,) = result.kind("cut")
    assert cut["why"] == "term"
    assert result.failed == []
    # the next job goes on, and the cut has cost no retry
    Path(command.root / "up").unlink()
    command.wfile(command.text("Wfile").replace("sleep 1000; ", ""))
    result = job.run(env=job.env(number=124))
    assert (result.status, result.done) == (0, ["x"])


def test_a_failure_ends_with_1(job: Job) -> None:
    job.command.wfile(SHARED.replace("echo $NID > {output}", "exit 3"))
    result = job.run()
    assert result.status == 1


# ---------------------------------------------------------------- where


def test_here_is_refused_where_there_is_no_job(command: Command) -> None:
    command.wfile(SHARED)
    result = command.say("--here")
    assert result.status == 2
    assert result.err == (
        "error[E817]: this is no job: nothing in the environment tells of one\n"
        " --> the command line:1:1\n"
        "1 | --here\n"
        "  | ^^^^^^\n"
        "  = help: start it in the script of a job, or in an interactive one; `hpcmake testbed SITE -- …` emulates one\n"
    )


def test_this_machine_may_be_named_in_a_job(job: Job) -> None:
    job.command.wfile(SHARED.replace("$NID", "here").replace("cores: 32", "cores: 1"))
    result = job.run("--site", "local")
    assert result.status == 0, result
    assert job.launches() == []


def test_options_that_shape_jobs_are_refused_in_one(job: Job) -> None:
    job.command.wfile(SHARED)
    result = job.command.say("--trial", env=job.env())
    assert result.status == 2
    assert "`--trial` is about jobs to come, and this one runs" in result.err


def test_the_site_is_known_to_commands(job: Job) -> None:
    job.command.wfile(
        """
        target all: "x.txt"

        rule x:
            output: "x.txt"
            run: echo {site} > {output}
        """
    )
    assert job.run().status == 0
    assert job.command.text("x.txt") == "theta\n"


def test_a_post_runs_on_the_machine_of_the_script(job: Job) -> None:
    job.command.wfile(
        """
        target all: "x.txt"

        rule x:
            output: "x.txt"
            run: echo ${NID:-script} > run.txt
            post: echo ${NID:-script} > {output}
        """
    )
    result = job.run()
    assert result.status == 0, result
    assert job.command.text("run.txt") == "3826\n"
    assert job.command.text("x.txt") == "script\n"


# ---------------------------------------------------------------- nodes that the user tells


def test_nodes_may_be_told_where_no_scheduler_does(job: Job) -> None:
    job.command.wfile(meeting(2))
    env = {"PATH": job.env()["PATH"], "HPCMAKE_NODES": "3826-3827", "HPCMAKE_LEFT": "2h"}
    result = job.run("--site", "theta", env=env)
    assert result.status == 0, result
    assert {job.command.text(f"out/{n}.txt").strip() for n in range(1, 13)} == {"3826", "3827"}
    (start,) = result.kind("start")
    assert start["where"] == "2 nodes of theta, 2h left"


def test_or_in_a_file_with_one_a_line(job: Job) -> None:
    job.command.wfile(meeting(2))
    job.command.write("nodes", "3826\n3826\n3827\n")
    env = {"PATH": job.env()["PATH"], "HPCMAKE_NODES": "nodes"}
    result = job.run("--site", "theta", env=env)
    assert result.status == 0, result
    assert "nobody knows when this job ends (nobody has said when): tasks are begun until it does" in result.notes


@pytest.mark.parametrize(
    ("nodes", "left", "site", "text"),
    [
        (
            "nid[001-",
            "1h",
            "theta",
            "error[E912]",
        ),
        (
            "3826",
            "soon",
            "theta",
            "error[E803]: `HPCMAKE_LEFT` is a duration, not `soon`\n --> the environment:1:14\n1 | HPCMAKE_LEFT=soon\n",
        ),
        ("3826", "1h", "", "error[E817]: nodes are told, and not of which site they are\n"),
    ],
)
def test_garbage_in_their_place_is_shown(job: Job, nodes: str, left: str, site: str, text: str) -> None:
    job.command.wfile(SHARED)
    env = {"PATH": job.env()["PATH"], "HPCMAKE_NODES": nodes, "HPCMAKE_LEFT": left, "HPCMAKE_SITE": site}
    result = job.command.say(env=env)
    assert result.status == 2
    assert result.err.startswith(text)
