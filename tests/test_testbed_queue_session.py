"""`hpcmake testbed SITE -- COMMAND` with a queue: a login node, and jobs with processes and nodes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from command import is_gone

from hpcmake.testbed.commands.marks import find_marked

if TYPE_CHECKING:
    from command import Command, Result

FAST = ("--speed", "600", "--hurry", "600")
"""A cycle of ten seconds takes 17 ms, a job of half an hour three seconds."""

SUB = "qsub -A P -q debug-cache-quad -t 30"


def script(command: Command, name: str, text: str) -> None:
    command.write(name, f"#!/bin/bash\n{text}\n")
    os.chmod(os.path.join(command.root, name), 0o755)


def login(command: Command, line: str, *options: str, site: str = "theta", env: dict[str, str] | None = None) -> Result:
    """Run a line of shell on a login node, until its jobs have ended."""
    return command.real("testbed", site, *FAST, "--wait-for-jobs", *options, "--", "bash", "-c", line, env=env)


def test_a_login_node_has_a_queue_and_no_job(command: Command) -> None:
    result = login(command, "env; command -v qsub qstat aprun", "--quiet", env={"COBALT_JOBID": "3"})
    seen = result.out.splitlines()
    assert [line for line in seen if line.startswith("COBALT")] == ["COBALT_PROJ=testbed"]
    assert {"HPCMAKE_SITE=theta", "HPCMAKE_POLL=0.2"} <= set(seen)
    assert [os.path.basename(line) for line in seen if line.startswith("/") and "testbed" in line] == ["qsub", "qstat"]


def test_what_is_told_of_a_login_node(command: Command) -> None:
    result = command.real("testbed", "theta", "--speed", "60", "--hurry", "10", "--", "true")
    assert result.err == (
        "testbed: a login node of an emulated theta: 4392 nodes, Cobalt with the queues default, debug-cache-quad, "
        "debug-flat-quad; 60 times as fast as a real one; walltimes last 1/10 of what they say\n"
        "testbed: not emulated: the jobs of others, the speed and memory of nodes, MPI between ranks, the shared file "
        "system; `hpcmake testbed theta` tells more\n"
        "testbed: the session is over: 0 jobs submitted, exit status 0\n"
    )


def test_jobs_have_nodes_of_their_own(command: Command) -> None:
    """Fact 1.17: a job does not get the environment of who submits it."""
    script(
        command,
        "job.sh",
        "echo ${MINE:-none}; echo $COBALT_PARTNAME; aprun -q -n 2 -N 1 uname -n; aprun -n 3 -N 1 true",
    )
    result = login(command, f"{SUB} -n 2 job.sh; {SUB} -q debug-flat-quad -n 2 job.sh", env={"MINE": "1"})
    assert result.status == 0, result
    first, second = command.text("426815.output").split(), command.text("426816.output").split()
    assert (first[:2], second[:2]) == (["none", "3826-3827"], ["none", "3828-3829"])
    error = "apsched: claim exceeds reservation's node-count"
    assert error in command.text("426815.error")
    assert "testbed: the session is over: 2 jobs submitted, exit status 0\n" in result.err


def test_a_chain(command: Command) -> None:
    """Facts 9.1 and 9.2: it is submitted while the first job is surely in the queue, which alone is held."""
    script(command, "job.sh", 'echo "$1" >>order; exit $2')
    line = f"""
        A=$({SUB} -h -n 1 job.sh a 0)
        B=$({SUB} -n 1 --dependencies $A job.sh b 5)
        {SUB} -n 1 --dependencies $B job.sh c 0
        qrls $A
    """
    result = login(command, line)
    assert command.text("order") == "a\nb\n"
    assert "3 jobs submitted, 1 left in the queue" in result.err
    log = command.text("426816.cobaltlog").splitlines()
    assert log[-1].endswith("task completed normally with an exit code of 5; initiating job cleanup and removal")


def test_at_its_walltime_a_script_gets_sigterm_and_later_all_are_killed(command: Command) -> None:
    """Fact 1.5: the script alone; section 3: SIGKILL after the grace."""
    script(command, "job.sh", "trap 'echo told' TERM; sleep 1000 & echo $!; wait; wait")
    login(command, "qsub -A P -n 1 -t 5 job.sh", site="cooley")
    pid, told = command.text("426815.output").split()
    assert told == "told"
    assert is_gone(pid)
    assert "maximum execution time exceeded" in command.text("426815.cobaltlog")


@pytest.mark.parametrize(("text", "status"), [("#!/no/such/program", 127), ("#!/bin/sh\nkill -SEGV $$", 139)])
def test_how_a_script_ends(command: Command, text: str, status: int) -> None:
    """Section 5: a script without its interpreter, and one that a signal ends."""
    script(command, "job.sh", "")
    command.write("job.sh", text + "\n")
    login(command, f"{SUB} -n 1 job.sh")
    assert f"exit code of {status};" in command.text("426815.cobaltlog")


def test_jobs_submit_others(command: Command) -> None:
    script(command, "job.sh", f'echo "$1"; test "$1" = 0 || {SUB} -q debug-flat-quad -n 1 job.sh $(($1 - 1))')
    login(command, f"{SUB} -n 1 job.sh 2")
    assert [command.text(f"4268{at}.output").split() for at in (15, 16, 17)] == [
        ["2", "426816"],
        ["1", "426817"],
        ["0"],
    ]


def test_what_a_script_leaves_running_is_ended_with_it(command: Command) -> None:
    script(command, "job.sh", "setsid sleep 1000 >/dev/null 2>&1 & echo $!")
    login(command, f"{SUB} -n 1 job.sh")
    assert is_gone(command.text("426815.output"))


def test_a_running_job_is_deleted(command: Command) -> None:
    script(command, "job.sh", f"trap 'exit 4' TERM; echo $$ >{command.fifo('running')}; sleep 1000 & wait")
    result = login(
        command, f"{SUB} -n 1 job.sh; read pid <running; qdel 426815; while qstat 426815 >/dev/null; do :; done"
    )
    assert result.out.splitlines()[1:3] == ["      Deleted Jobs", "JobID   User  "]
    assert "user delete requested with signal SIGTERM by user" in command.text("426815.cobaltlog")


def test_jobs_end_with_the_command(command: Command) -> None:
    guard = command.fifo("guard")
    script(command, "job.sh", f"exec 9>{guard}; trap '' TERM; sleep 1000")
    process = start(command, f"{SUB} -n 1 job.sh; read line")
    with open(guard, encoding="utf-8") as held:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.close()
        assert held.read() == ""
    assert process.wait(60) == 0


def test_jobs_end_where_the_testbed_is_killed(command: Command) -> None:
    guard = command.fifo("guard")
    script(command, "job.sh", f"exec 9>{guard}; echo $HPCMAKE_TESTBED >&9; sleep 1000")
    process = start(command, f"{SUB} -n 1 job.sh; read line")
    with open(guard, encoding="utf-8") as held:
        folder = held.readline().strip()
        process.kill()
        process.wait()
        assert held.read() == ""
    while os.path.exists(folder):
        pass
    assert find_marked(os.path.dirname(os.path.dirname(folder))) == []


def start(command: Command, line: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "hpcmake", "testbed", "theta", *FAST, "--quiet", "--", "bash", "-c", line],
        cwd=command.root,
        env=command.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    command._started.append(process)
    return process


def test_an_interrupt_ends_waiting_for_jobs(command: Command) -> None:
    running = command.fifo("running")
    script(command, "job.sh", f"echo >{running}; sleep 1000")
    words = ("--wait-for-jobs", "--quiet", "--", "bash", "-c", "qsub -A P -n 802 -t 24:00:00 job.sh")
    process = subprocess.Popen(
        [sys.executable, "-m", "hpcmake", "testbed", "theta", *FAST, *words],
        cwd=command.root,
        env=command.environment(),
        stdout=subprocess.DEVNULL,
    )
    command._started.append(process)  # type: ignore[arg-type]  # it is only ended by its id
    with open(running, encoding="utf-8") as held:
        held.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM


def test_the_job_around_a_command_is_in_the_queue(command: Command) -> None:
    line = (
        "qstat --header JobID:State:Nodes $COBALT_JOBID; qsub -A P -n 128 -t 30 -h job.sh; qstat --header JobID:State"
    )
    script(command, "job.sh", "")
    result = command.real("testbed", "theta", "--nodes", "4", "--", "bash", "-c", line)
    assert [each.split() for each in result.out.splitlines() if each[0].isdigit()] == [
        ["426815", "running", "4"],
        ["426816"],
        ["426815", "running"],
        ["426816", "user_hold"],
    ]
    assert result.err.endswith("exit status 0; 1 job submitted, 1 left in the queue\n")


def test_pbs_tells_of_the_job_around_a_command(command: Command) -> None:
    """PBS facts 1.4 and 1.6: as JSON, and with the numbers of PBS's errors."""
    line = "qstat -f -F json $PBS_JOBID; qstat -f 9999; echo $?"
    result = command.real("testbed", "polaris", "--nodes", "2", "--quiet", "--", "bash", "-c", line)
    assert '"walltime":\t"00:30:00"' in result.out
    assert result.out.endswith("153\n")
    assert result.err == "qstat: Unknown Job Id 9999.testbed\n"


# ---------------------------------------------------------------- faults


def test_a_server_that_is_down(command: Command) -> None:
    """Fact 1.7."""
    result = login(command, "qstat; echo $?", "--quiet", "--fault", "queue-down:1h")
    assert result.out == "1\n"
    assert "Connection refused" in result.err


def test_a_submission_that_is_accepted_and_never_answered(command: Command) -> None:
    script(command, "job.sh", "echo ran")
    result = login(command, f"timeout 1 {SUB} -n 1 job.sh; echo $?", "--fault", "qsub-hangs:1")
    assert result.out == "124\n"
    assert command.text("426815.output") == "ran\n"
    assert "testbed: submission 1: qsub-hangs\n" in result.err


def test_a_submission_that_is_made_when_nobody_waits_for_it_any_more(command: Command) -> None:
    script(command, "job.sh", "echo ran")
    line = f"timeout 0.5 {SUB} -n 1 job.sh; qstat | wc -l; until test -e 426815.output; do sleep 0.02; done"
    result = login(command, line, "--fault", "qsub-late:1s")
    assert result.out == "2\n"
    assert command.text("426815.output") == "ran\n"


def test_a_submission_that_is_refused_and_one_that_is_answered_with_rubbish(command: Command) -> None:
    script(command, "job.sh", "echo ran")
    faults = ("--fault", "qsub-refused:1", "--fault", "qsub-garbage:1@after:1")
    result = login(command, f"for i in 1 2 3; do {SUB} -q debug-flat-quad -n 1 job.sh; echo $?; done", *faults)
    assert result.out.splitlines()[0] == "1"
    assert "jobs per user in the" in result.err
    assert result.out.splitlines()[-2:] == ["426816", "0"]
    assert command.text("426815.output") == command.text("426816.output") == "ran\n"


def test_a_job_is_lost_and_one_is_deleted_by_an_operator(command: Command) -> None:
    script(command, "job.sh", "sleep 1000")
    faults = ("--fault", "job-lost:1@0.2", "--fault", "job-deleted:2@0.2")
    result = login(command, f"{SUB} -n 1 job.sh; {SUB} -q debug-flat-quad -n 1 job.sh", *faults)
    assert {"testbed: job 426815 was lost", "testbed: job 426816 was deleted"} <= set(result.err.splitlines())
    assert "with signal SIGTERM by user root" in command.text("426816.cobaltlog")


def test_a_node_dies_in_a_job_of_the_queue(command: Command) -> None:
    script(command, "job.sh", "aprun -q -n 1 -L 3827 sleep 1000; echo $?; aprun -q -n 1 -L 3826 echo here")
    result = login(command, f"{SUB} -n 2 job.sh", "--fault", "node-dies:3827@after:1")
    assert command.text("426815.output").split() == ["137", "here"]
    assert "testbed: job 426815: node nid03827 died after 1 launch\n" in result.err


def test_a_fault_of_queues_where_none_is_emulated(command: Command) -> None:
    result = command.say("testbed", "perlmutter", "--fault", "queue-down:1s", "--", "true")
    assert result.status == 2
    assert "no queue is emulated, and so not `queue-down`" in result.err
    assert "the queue of perlmutter is not emulated" in command.say("testbed", "perlmutter", *FAST, "--", "true").err
