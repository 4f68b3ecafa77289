"""`hpcmake testbed SITE -- COMMAND`: a job of an emulated machine around a command."""

import os
import re
import signal
import subprocess
import sys

import pytest
from command import Command, is_gone

from hpcmake.sites import read_site
from hpcmake.testbed.commands.marks import find_marked
from hpcmake.testbed.machine import nids

MACHINES = ["theta", "mira", "cooley", "polaris", "aurora", "perlmutter", "frontier", "slurm", "pbs", "cobalt"]


def start_testbed(command: Command, *words: str) -> "subprocess.Popen[str]":
    """Start the verb in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hpcmake", "testbed", *words],
        cwd=command.root,
        env=command.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    command._started.append(process)
    return process


# ---------------------------------------------------------------- what is told


def test_without_a_site_an_example_is_shown(command: Command) -> None:
    result = command.say("testbed")
    assert result.status == 2
    assert result.err == (
        "error[E808]: say which site to emulate\n"
        " --> the command line:1:1\n"
        "1 | testbed\n"
        "  | ^^^^^^^\n"
        "  = help: such as `hpcmake testbed theta -- hpcmake -j 512 --site theta`\n"
    )


@pytest.mark.parametrize("site", MACHINES)
def test_without_a_command_it_tells_what_is_emulated_and_what_is_not(command: Command, site: str) -> None:
    result = command.say("testbed", site)
    assert result.status == 0
    headings = [line for line in result.out.splitlines() if line and not line.startswith(" ")]
    assert headings[0].startswith(f"{site}, emulated: nodes of ")
    assert headings[1:] == [
        "emulated",
        "not emulated",
        "faults, with --fault; WHEN is a time such as 30s, or after:N launches",
        "use",
    ]
    assert max(map(len, result.out.splitlines())) <= 100


def test_at_the_start_two_lines_tell_the_same_in_short_and_at_the_end_one(command: Command) -> None:
    result = command.real("testbed", "theta", "--nodes", "3", "--time", "1h", "--", "true")
    assert result.out == ""
    assert re.sub(", host names", "", result.err) == (
        "testbed: job 426815 of Cobalt on an emulated theta: 3 nodes (3826-3828) for 1h; aprun with its limits and "
        "errors, the job's environment\n"
        "testbed: not emulated: the speed and memory of nodes, MPI between ranks, the shared file system; "
        "`hpcmake testbed theta` tells more\n"
        "testbed: the job is over: 0 launches, exit status 0\n"
    )


def test_quiet_says_nothing(command: Command) -> None:
    result = command.real("testbed", "theta", "--nodes", "4", "--quiet", "--", "aprun", "-q", "echo", "a", "b")
    assert (result.out, result.err) == ("a b\n", "")


@pytest.mark.parametrize(
    ("words", "message", "help_"),
    [
        (
            ["local"],
            "local has no scheduler: it is this machine, and nothing is there to emulate",
            "`hpcmake sites` lists",
        ),
        (["mira", "--nodes", "600"], "mira gives its nodes in blocks of 512, not 600 of them", "write `--nodes 1024`"),
        (["theta", "--nodes", "5000"], "theta has 4392 nodes, not 5000", "write `--nodes 16`"),
    ],
)
def test_a_machine_that_cannot_be_emulated(command: Command, words: list[str], message: str, help_: str) -> None:
    result = command.say("testbed", *words)
    assert result.status == 2
    assert result.err.startswith(f"error[E920]: {message}\n")
    assert f"  help: {help_}" in result.err


def test_an_unknown_site_and_an_unknown_fault(command: Command) -> None:
    assert "there is no site `thera`" in command.say("testbed", "thera").err
    result = command.say("testbed", "theta", "--fault", "fire", "--", "true")
    assert (result.status, "there is no fault `fire`" in result.err) == (2, True)


# ---------------------------------------------------------------- the job


@pytest.mark.parametrize("status", [0, 1, 75])
def test_the_exit_status_is_that_of_the_command(command: Command, status: int) -> None:
    assert command.real("testbed", "theta", "--", "sh", "-c", f"exit {status}").status == status


def test_a_command_that_a_signal_ends_and_one_that_is_not_there(command: Command) -> None:
    assert command.real("testbed", "theta", "--", "sh", "-c", "kill -9 $$").status == 137
    result = command.real("testbed", "theta", "--quiet", "--", "nosuch")
    assert (result.status, result.err) == (127, "testbed: nosuch: command not found\n")


def test_a_job_of_theta(command: Command) -> None:
    result = command.real("testbed", "theta", "--nodes", "6", "--time", "90m", "--quiet", "--", "env")
    seen = dict(line.split("=", 1) for line in result.out.splitlines() if line.startswith(("COBALT", "HPCMAKE_SITE")))
    assert int(seen.pop("COBALT_ENDTIME")) - int(seen.pop("COBALT_STARTTIME")) == 5400
    assert seen == {
        "COBALT_JOBID": "426815",
        "COBALT_PARTNAME": "3826-3829,3845-3846",
        "COBALT_PARTSIZE": "6",
        "COBALT_JOBSIZE": "6",
        "COBALT_PARTCORES": "64",
        "COBALT_PROJ": "testbed",
        "COBALT_PROJECT": "testbed",
        "COBALT_QUEUE": "debug-cache-quad",
        "HPCMAKE_SITE": "theta",
    }


def test_a_job_of_slurm_inside_another_is_not_mixed_with_it(command: Command) -> None:
    argv = ["testbed", "slurm", "--nodes", "2", "--quiet", "--", "env"]
    around = {"SLURM_JOB_ID": "1", "SLURM_STEP_ID": "7", "PBS_JOBID": "3", "COBALT_JOBID": "4"}
    seen = dict(line.split("=", 1) for line in command.real(*argv, env=around).out.splitlines() if "=" in line)
    assert (seen["SLURM_JOB_ID"], seen["SLURM_JOB_NODELIST"]) == ("426815", "node[001-002]")
    assert seen["SLURM_JOB_CPUS_PER_NODE"] == "8(x2)"
    assert not {"SLURM_STEP_ID", "PBS_JOBID", "COBALT_JOBID"} & set(seen)


@pytest.mark.parametrize(("site", "variable"), [("polaris", "PBS_NODEFILE"), ("cooley", "COBALT_NODEFILE")])
def test_a_job_with_a_file_of_its_nodes(command: Command, site: str, variable: str) -> None:
    result = command.real("testbed", site, "--nodes", "3", "--quiet", "--", "sh", "-c", f"cat ${variable}")
    assert len(set(result.out.split())) == 3


def test_hpcmake_finds_the_job(command: Command) -> None:
    command.wfile(
        """
        target all: "{x}.out" for x in ["a", "b"]
        rule make:
            output: "{x}.out"
            run: uname -n > {output}
        """
    )
    program = [sys.executable, "-m", "hpcmake", "--here", "-j", "2"]
    result = command.real("testbed", "theta", "--nodes", "2", "--", *program)
    assert result.status == 0, result
    assert set(command.text("a.out") + command.text("b.out")) > {"\n"}


def test_a_site_of_the_campaign(command: Command) -> None:
    command.write("sites/ours.toml", 'scheduler = "slurm"\nlauncher = "srun"\n[node.n]\ncores = 2\n')
    assert command.real("testbed", "ours", "--quiet", "--", "srun", "-N1", "-n1", "echo", "ran").out == "ran\n"


def test_names_of_nodes_are_as_long_lists_with_gaps() -> None:
    numbers = nids(200)
    assert numbers == sorted(set(numbers))
    assert numbers[:6] == [3826, 3827, 3828, 3829, 3845, 3846]


def test_every_site_with_nodes_can_be_emulated_or_says_why_not() -> None:
    assert {name for name in MACHINES if read_site(name, {}).scheduler == "none"} == set()


# ---------------------------------------------------------------- its end


def test_a_signal_is_passed_on(command: Command) -> None:
    process = start_testbed(
        command,
        "theta",
        "--nodes",
        "4",
        "--quiet",
        "--",
        "sh",
        "-c",
        "trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done",
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 9


def test_at_the_end_of_its_time_the_command_alone_gets_sigterm(command: Command) -> None:
    script = "trap 'kill $!; wait; exit 7' TERM; aprun -q sh -c 'trap : TERM; exec sleep 1000' & wait"
    result = command.real("testbed", "theta", "--time", "1s", "--", "bash", "-c", script)
    assert result.status == 7
    assert "testbed: the job's time is over: SIGTERM to its command\n" in result.err


def test_a_job_can_die_without_a_warning(command: Command) -> None:
    script = "trap '' TERM; echo $$; aprun -q sleep 1000 & wait"
    result = command.real("testbed", "theta", "--time", "1s", "--fault", "job-dies", "--", "bash", "-c", script)
    assert result.status == 137
    assert result.err.splitlines()[-2:] == [
        "testbed: everything in the job was killed",
        "testbed: the job is over: 1 launch, exit status 137",
    ]
    assert is_gone(result.out)


def test_nothing_is_left_behind(command: Command) -> None:
    script = (
        "echo $HPCMAKE_TESTBED; setsid sleep 1000 >/dev/null 2>&1 & aprun -q sh -c 'sleep 1000 & sleep 1000' & exit 0"
    )
    result = command.real("testbed", "theta", "--nodes", "4", "--quiet", "--", "bash", "-c", script)
    folder = result.out.strip()
    assert folder
    assert not os.path.exists(folder)
    assert find_marked(folder) == []


def test_nothing_is_left_behind_where_the_testbed_itself_is_killed(command: Command) -> None:
    guard = command.fifo("guard")
    script = f"exec 9>{guard}; echo $HPCMAKE_TESTBED; aprun -q sleep 1000"
    process = start_testbed(command, "theta", "--nodes", "4", "--quiet", "--", "bash", "-c", script)
    with open(guard, encoding="utf-8") as held:
        assert process.stdout is not None
        folder = process.stdout.readline().strip()
        process.kill()
        process.wait()
        assert held.read() == "", "whoever held the fifo has ended"
    while os.path.exists(folder):
        pass
    assert find_marked(folder) == []


def test_a_command_on_the_first_node_dies_with_it(command: Command) -> None:
    words = [
        "--fault",
        "node-dies:cc001@after:1",
        "--",
        "bash",
        "-c",
        "mpirun -hosts cc002 -n 1 true; wait; echo survived",
    ]
    result = command.real("testbed", "cooley", "--nodes", "4", *words)
    assert result.status == 137
    assert "testbed: node cc001 died after 1 launch\n" in result.err


def test_a_fault_at_a_time(command: Command) -> None:
    script = "aprun -n 1 -L 3826 sleep 1000 >/dev/null 2>&1; echo $?"
    result = command.real(
        "testbed", "theta", "--nodes", "4", "--fault", "node-dies:3826@1s", "--", "bash", "-c", script
    )
    assert result.out == "137\n"
    assert "testbed: node nid03826 died\n" in result.err
