"""The launchers of the testbed take, say and return what the real ones do."""

import os
import re
import signal
from pathlib import Path

import pytest
from command import is_gone
from testbed import RENAMER, SLURM, WAITS, Bed, Beds


def folded(text: str) -> str:
    """Return a text with # in the place of what differs from run to run."""
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", "DATE", text)
    text = re.sub(r"\[\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}\]", "[DATE]", text)
    return re.sub(r"(stime|utime|Rss|inblocks|outblocks) ~\d+", r"\1 ~#", text)


RESOURCES = "resources: utime ~#s, stime ~#s, Rss ~#, inblocks ~#, outblocks ~#\n"

# ---------------------------------------------------------------- aprun


def test_aprun_fills_a_node_before_the_next_and_tells_each_rank_its_number(bed: Beds) -> None:
    done = bed().run("aprun", "-n", "3", "-N", "2", "sh", "-c", "echo $ALPS_APP_PE $ALPS_APP_ID $HOSTNAME")
    *lines, last = sorted(done.out.splitlines())
    assert lines == ["0 9226246 nid03826", "1 9226246 nid03826", "2 9226246 nid03827"]
    assert folded(last + "\n") == f"Application 9226246 {RESOURCES}"
    assert (done.status, done.err) == (0, "")


def test_a_node_has_a_host_name_of_its_own_where_the_machine_allows_it(bed: Beds) -> None:
    done = bed().run("aprun", "-q", "-n", "1", "-L", "3828", "uname", "-n")
    assert done.out == ("nid03828" if RENAMER else os.uname().nodename) + "\n"


def test_q_silences_aprun_itself(bed: Beds) -> None:
    done = bed().run("aprun", "-q", "-n", "2", "sh", "-c", "exit 4")
    assert (done.status, done.out, done.err) == (4, "", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-n", "5", "-N", "1"], "apsched: claim exceeds reservation's node-count"),
        (["-n", "1", "-L", "9999"], "apsched: claim exceeds reservation's node-count"),
        (["-n", "3", "-N", "1", "-L", "3826-3827"], "apsched: claim exceeds reservation's node-count"),
        (["-n", "65", "-N", "65"], "apsched: claim exceeds reservation's CPUs"),
        (["-n", "64", "-N", "64", "-d", "4", "-j", "2"], "apsched: claim exceeds reservation's CPUs"),
        (["-n", "1", "-m", "999g"], "apsched: claim exceeds reservation's memory"),
        (["-n", "1", "-L", "38x"], "aprun: node list syntax error: 38x"),
        (["-n", "0"], "aprun: invalid ranks argument: 0"),
    ],
)
def test_what_the_reservation_does_not_have_is_refused_at_once(bed: Beds, words: list[str], message: str) -> None:
    done = bed().run("aprun", *words, "true")
    assert (done.status, done.out, done.err) == (1, "", message + "\n")


def test_all_threads_of_a_node_can_be_claimed(bed: Beds) -> None:
    done = bed().run("aprun", "-q", "-b", "-n", "1", "-N", "1", "-d", "256", "-j", "4", "-cc", "none", "true")
    assert (done.status, done.err) == (0, "")


def test_an_unknown_option_is_told_with_the_usage(bed: Beds) -> None:
    done = bed().run("aprun", "--nosuch", "true")
    assert done.err == (
        "aprun: unrecognized option '--nosuch'\n"
        "Usage: aprun [global_options] [command_options] cmd1\n"
        "    [: [command_options] cmd2 [: ...] ]\n"
    )
    assert done.status == 1


def test_a_program_that_is_not_there(bed: Beds) -> None:
    assert bed().run("aprun", "nosuch").err == "aprun: file nosuch not found\n"
    done = bed().run("aprun", "-b", "nosuch")  # then only the node can tell
    assert done.status == 127
    assert folded(done.out) == f"Application 9226246 exit codes: 127\nApplication 9226246 {RESOURCES}"


def test_a_node_takes_one_aprun_at_a_time(bed: Beds) -> None:
    theta = bed()
    first = theta.start("aprun", "-q", "-n", "1", "-L", "3827", "sh", "-c", WAITS)
    theta.ready(first)
    busy = theta.run("aprun", "-n", "1", "-L", "3827", "true")
    assert (busy.status, busy.err) == (1, "apsched: claim exceeds reservation's node-count\n")
    others = theta.run("aprun", "-q", "-n", "3", "-N", "1", "sh", "-c", "echo $HOSTNAME")
    assert sorted(others.out.split()) == ["nid03826", "nid03828", "nid03829"], "without -L it takes what is free"
    first.send_signal(signal.SIGTERM)
    assert theta.end(first).status == 143
    assert theta.run("aprun", "-q", "-n", "1", "-L", "3827", "true").status == 0


def test_at_most_1000_apruns_at_once(bed: Beds) -> None:
    theta = bed(nodes=1010)
    ours = os.getpid()
    claims = "".join(f"{number} {ours} 1 0 {name}\n" for number, name in enumerate(theta.machine.nodes[:1000], 1))
    Path(theta.folder, "claims").write_text(f"1000\n{claims}", encoding="utf-8")
    done = theta.run("aprun", "-n", "1", "true")
    assert (done.status, done.err) == (1, "apsched: no more claims allowed for this reservation (max 1000)\n")


def test_of_many_that_want_the_same_nodes_no_two_get_one(bed: Beds, tmp_path: Path) -> None:
    theta = bed()
    command = 'mkdir "$HOSTNAME" || echo twice; cat >/dev/null; rmdir "$HOSTNAME"'
    started = [theta.start("aprun", "-q", "-n", "2", "-N", "1", "sh", "-c", command) for _ in range(8)]
    done = [theta.end(each) for each in started]
    assert [each.out for each in done] == [""] * 8
    assert {each.status for each in done} <= {0, 1}
    assert any(each.status == 0 for each in done)


def test_a_rank_that_a_signal_kills_takes_the_others_with_it(bed: Beds) -> None:
    done = bed().run("aprun", "-n", "2", "-N", "1", "sh", "-c", "test $ALPS_APP_PE = 1 && kill -11 $$; exec sleep 1000")
    assert done.status == 139
    assert folded(done.err) == (
        "_pmiu_daemon(SIGCHLD): [NID 03827] [c7-1c2s12n3] [DATE] PE RANK 1 exit signal Segmentation fault\n"
        "[NID 03827] DATE Apid 9226246: initiated application termination\n"
    )
    assert folded(done.out) == (
        "Application 9226246 exit signals: Terminated, Segmentation fault\n" + f"Application 9226246 {RESOURCES}"
    )


def test_a_rank_that_exits_leaves_the_others_alone(bed: Beds) -> None:
    done = bed().run("aprun", "-n", "2", "sh", "-c", "test $ALPS_APP_PE = 0 && exit 7; cat; echo end", stdin="")
    assert done.status == 7
    assert folded(done.out) == f"end\nApplication 9226246 exit codes: 7\nApplication 9226246 {RESOURCES}"


def test_stdin_goes_to_rank_0_only(bed: Beds) -> None:
    done = bed().run("aprun", "-q", "-n", "2", "sh", "-c", "echo $ALPS_APP_PE $(cat)", stdin="a\nb\n")
    assert sorted(done.out.splitlines()) == ["0 a b", "1"]


def test_several_programs_in_one_call_get_nodes_of_their_own(bed: Beds) -> None:
    words = ["-n", "2", "sh", "-c", "echo $ALPS_APP_PE $HOSTNAME"]
    done = bed().run("aprun", "-q", *words, ":", *words)
    assert sorted(done.out.splitlines()) == ["0 nid03826", "1 nid03826", "2 nid03827", "3 nid03827"]


def test_nodes_by_file_and_nodes_left_out(bed: Beds) -> None:
    theta = bed()
    Path(theta.folder, "list").write_text("3827\n3829\n", encoding="utf-8")
    shown = ["sh", "-c", "echo $HOSTNAME"]
    assert theta.run("aprun", "-q", "-n", "1", "--node-list-file", "list", *shown).out == "nid03827\n"
    assert theta.run("aprun", "-q", "-n", "1", "-E", "3826-3828", *shown).out == "nid03829\n"


def test_an_environment_for_the_ranks(bed: Beds) -> None:
    assert bed().run("aprun", "-q", "-e", "A=1", "-e", "B=x=y", "sh", "-c", "echo $A $B").out == "1 x=y\n"


def test_a_signal_that_aprun_passes_on(bed: Beds) -> None:
    theta = bed()
    command = "trap 'exit 5' USR1; echo ready; while :; do sleep 0.01; done"
    process = theta.start("aprun", "-q", "sh", "-c", command)
    theta.ready(process)
    process.send_signal(signal.SIGUSR1)
    assert theta.end(process).status == 5


def test_a_killed_aprun_takes_its_ranks_with_it_and_frees_its_node(bed: Beds) -> None:
    theta = bed(nodes=1)
    process = theta.start("aprun", "-q", "sh", "-c", WAITS)
    theta.ready(process)
    process.kill()
    assert theta.end(process).status == -9, "it reads to the end: nobody holds its stdout any more"
    while theta.state.read_claims()[1]:
        pass
    assert theta.run("aprun", "-q", "true").status == 0


def test_what_ranks_leave_running_is_ended(bed: Beds) -> None:
    theta = bed()
    done = theta.run("aprun", "-q", "sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!")
    assert is_gone(done.out)


def test_no_descriptor_reaches_another_node(bed: Beds) -> None:
    theta = bed()
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    done = theta.run("aprun", "-q", "sh", "-c", "ls /proc/self/fd | wc -l")
    os.close(reading)
    os.close(writing)
    assert done.out == "4\n", "three, and the one that lists them"


# ---------------------------------------------------------------- srun


@pytest.fixture
def slurm(bed: Beds) -> Bed:
    return bed("slurm", kind=SLURM)


def test_srun_places_tasks_evenly(slurm: Bed) -> None:
    done = slurm.run("srun", "-N2", "-n5", "sh", "-c", "echo $SLURM_PROCID $SLURM_LOCALID $SLURMD_NODENAME")
    assert sorted(done.out.splitlines()) == ["0 0 node001", "1 1 node001", "2 2 node001", "3 0 node002", "4 1 node002"]


def test_what_a_task_sees_of_its_step(slurm: Bed) -> None:
    wanted = "NTASKS NNODES STEP_NODELIST STEP_NUM_TASKS STEP_TASKS_PER_NODE STEPID JOB_NODELIST CPUS_PER_TASK".split()
    shown = "; ".join(f"echo $SLURM_{name}" for name in wanted)
    done = slurm.run("srun", "-N1", "-n1", "-c2", "-w", "node003", "sh", "-c", shown)
    assert done.out.split() == ["1", "1", "node003", "1", "1", "0", "node[001-004]", "2"]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["-N9", "-n9", "true"], 1, "srun: error: Only allocated 4 nodes asked for 9"),
        (
            ["-N1", "-n1", "-w", "node099", "true"],
            1,
            "srun: error: Unable to create step for job 426815: Requested node configuration is not available",
        ),
        (
            ["-N1", "-n1", "-w", "node[001-", "true"],
            1,
            "srun: error: Unable to create step for job 426815: Requested node configuration is not available",
        ),
        (
            ["-N1", "-n1", "-c", "9", "true"],
            1,
            "srun: error: Unable to create step for job 426815: More processors requested than permitted",
        ),
        (["-N1", "-n1", "--gpus=1", "true"], 1, "srun: error: Invalid generic resource (gres) specification"),
        (["-n", "abc", "true"], 1, 'srun: error: Invalid numeric value "abc" for --ntasks.'),
        (["--nosuch"], 255, "srun: unrecognized option '--nosuch'\nTry \"srun --help\" for more information"),
        ([], 1, "srun: fatal: No command given to execute."),
        (["-N1", "-n1", "sh", "-c", "exit 3"], 3, "srun: error: node001: task 0: Exited with exit code 3"),
        (
            ["-N1", "-n1", "sh", "-c", "kill -9 $$"],
            137,
            "srun: error: node001: task 0: Killed\nsrun: Force Terminated StepId=426815.0",
        ),
        (
            ["-N1", "-n1", "sh", "-c", "kill -11 $$"],
            139,
            "srun: error: node001: task 0: Segmentation fault (core dumped)",
        ),
        (
            ["-N1", "-n1", "nosuch"],
            2,
            (
                "slurmstepd-node001: error: execve(): nosuch: No such file or directory\n"
                "srun: error: node001: task 0: Exited with exit code 2"
            ),
        ),
        (
            ["-N1", "-n1", "/etc/passwd"],
            13,
            (
                "slurmstepd-node001: error: execve(): /etc/passwd: Permission denied\n"
                "srun: error: node001: task 0: Exited with exit code 13"
            ),
        ),
        (
            ["-N2", "-n3", "--ntasks-per-node=2", "true"],
            0,
            (
                "srun: Warning: can't honor --ntasks-per-node set to 2 which doesn't match the requested tasks 3 with the "
                "number of requested nodes 2. Ignoring --ntasks-per-node."
            ),
        ),
        (
            ["-N3", "-n1", "true"],
            0,
            "srun: Warning: can't run 1 processes on 3 nodes, setting nnodes to 1",
        ),
        (
            ["-K", "-N2", "-n2", "sh", "-c", "test $SLURM_PROCID = 0 && exec sleep 1000; exit 4"],
            143,
            (
                "srun: error: node002: task 1: Exited with exit code 4\n"
                "srun: launch/slurm: _step_signal: Terminating StepId=426815.0\n"
                "slurmstepd-node001: error: *** STEP 426815.0 ON node001 CANCELLED AT DATE ***\n"
                "srun: error: node001: task 0: Terminated\n"
                "srun: Force Terminated StepId=426815.0"
            ),
        ),
    ],
)
def test_srun_says_what_slurm_says(slurm: Bed, words: list[str], status: int, message: str) -> None:
    """The texts were seen on a real Slurm 22.05, but for the number of the job."""
    done = slurm.run("srun", *words)
    assert (done.status, folded(done.err)) == (status, message + "\n")


def test_a_task_that_fails_leaves_the_others_alone(slurm: Bed) -> None:
    done = slurm.run("srun", "-N2", "-n2", "sh", "-c", "test $SLURM_PROCID = 0 && kill -9 $$; cat; echo end")
    assert (done.status, done.out) == (137, "end\n")


def test_a_step_takes_its_nodes_whole_unless_it_is_exact(slurm: Bed) -> None:
    first = slurm.start("srun", "-N1", "-n1", "-w", "node001", "sh", "-c", WAITS)
    slurm.ready(first)
    step = ["-N1", "-n1", "-w", "node001", "--exact", "--mem=0"]
    refused = slurm.run("srun", *step, "--immediate", "true")
    assert refused.err == "srun: error: Unable to create step for job 426815: Requested nodes are busy\n"
    assert slurm.run("srun", "-N1", "-n1", "-w", "node001", "--overlap", "echo", "beside").out == "beside\n"
    waiting = slurm.start("srun", *step, "echo", "at last")
    assert waiting.stderr is not None
    assert waiting.stderr.readline() == (
        "srun: Job 426815 step creation temporarily disabled, retrying (Requested nodes are busy)\n"
    )
    first.terminate()
    done = slurm.end(waiting)
    assert (done.status, done.out, done.err) == (0, "at last\n", "srun: Step created for job 426815\n")


def test_exact_steps_share_a_node_by_cpus_and_memory(slurm: Bed) -> None:
    one = ["srun", "-N1", "-n1", "-w", "node001", "--exact"]
    first = slurm.start(*one, "-c", "6", "--mem=4000", "sh", "-c", WAITS)
    slurm.ready(first)
    assert slurm.run(*one, "-c", "2", "--mem=4000", "--immediate", "true").status == 0
    assert slurm.run(*one, "-c", "3", "--mem=100", "--immediate", "true").status == 1, "2 CPUs are left"
    assert slurm.run(*one, "-c", "1", "--mem=5000", "--immediate", "true").status == 1, "4000 MB are left"
    assert slurm.run(*one, "-c", "1", "--immediate", "true").status == 1, "who names no memory wants all"


@pytest.mark.parametrize(("option", "lines"), [("all", ["0 a", "1 a"]), ("1", ["0", "1 a"]), ("none", ["0", "1"])])
def test_who_reads_stdin(slurm: Bed, option: str, lines: list[str]) -> None:
    done = slurm.run("srun", "-N2", "-n2", f"--input={option}", "sh", "-c", "echo $SLURM_PROCID $(cat)", stdin="a\n")
    assert sorted(line.strip() for line in done.out.splitlines()) == lines


def test_much_goes_through_srun_both_ways(slurm: Bed) -> None:
    text = "".join(f"{number:0100}\n" for number in range(10_000))
    assert slurm.run("srun", "-N1", "-n1", "cat", stdin=text).out == text


def test_labels(slurm: Bed) -> None:
    done = slurm.run("srun", "-l", "-N2", "-n2", "sh", "-c", "printf 'a\nb'")
    assert sorted(done.out.splitlines()) == ["0: a", "0: b", "1: a", "1: b"]


def test_a_step_goes_on_when_its_srun_was_killed(slurm: Bed) -> None:
    command = "echo ready; read word; echo $? >read; : >beside"
    process = slurm.start("srun", "-N1", "-n1", "-w", "node001", "sh", "-c", command)
    slurm.ready(process)
    process.kill()
    process.wait()
    assert slurm.end(process).status == -9
    assert len(slurm.state.read_claims()[1]) == 1, "the node is still claimed"
    assert not Path(slurm.folder, "read").exists(), "its stdin has not ended"
    refused = slurm.run("srun", "-N1", "-n1", "-w", "node001", "--immediate", "true")
    assert refused.status == 1


def test_sigterm_kills_the_step_and_one_interrupt_does_not(slurm: Bed) -> None:
    process = slurm.start("srun", "-N1", "-n1", "sh", "-c", WAITS)
    slurm.ready(process)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline() == "srun: interrupt (one more within 1 sec to abort)\n"
    assert process.stderr.readline() == "srun: StepId=426815.0 task 0: running\n"
    process.terminate()
    done = slurm.end(process)
    assert done.status == 137
    assert folded(done.err) == (
        "srun: forcing job termination\n"
        "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.\n"
        "slurmstepd-node001: error: *** STEP 426815.0 ON node001 CANCELLED AT DATE ***\n"
        "srun: error: node001: task 0: Killed\n"
    )


def test_gpus_of_tasks(bed: Beds) -> None:
    frontier = bed("frontier", nodes=1)
    done = frontier.run("srun", "-N1", "-n2", "--gpus-per-task=4", "sh", "-c", "echo $CUDA_VISIBLE_DEVICES")
    assert sorted(done.out.split()) == ["0,1,2,3", "4,5,6,7"]


def test_slurm_tells_of_the_job(slurm: Bed) -> None:
    assert slurm.run("squeue", "-h", "-j", "426815", "-o", "%i %T %l %N").out == "426815 RUNNING 30:00 node[001-004]\n"
    assert slurm.run("squeue", "-h", "-j", "7").err == "slurm_load_jobs error: Invalid job id specified\n"
    assert slurm.run("scontrol", "show", "hostnames", "node[001-002]").out == "node001\nnode002\n"
    assert "   NodeList=node[001-004]\n" in slurm.run("scontrol", "show", "job", "426815").out


# ---------------------------------------------------------------- mpiexec


def test_pals_uses_all_nodes_unless_it_is_told_hosts(bed: Beds) -> None:
    polaris = bed("polaris")
    names = polaris.machine.nodes
    shown = ["sh", "-c", "echo $PALS_RANKID $HOSTNAME"]
    done = polaris.run("mpiexec", "-n", "4", "--ppn", "1", *shown)
    assert sorted(done.out.splitlines()) == [f"{rank} {name}" for rank, name in enumerate(names)]
    done = polaris.run("mpiexec", "-n", "2", "--ppn", "1", "--hosts", f"{names[2]},{names[1]}", *shown)
    assert sorted(done.out.splitlines()) == [f"0 {names[2]}", f"1 {names[1]}"]
    Path(polaris.folder, "hosts").write_text(names[3] + "\n", encoding="utf-8")
    done = polaris.run("mpiexec", "-n", "1", "--ppn", "1", "--hostfile", "hosts", *shown)
    assert done.out == f"0 {names[3]}\n"


def test_several_mpiexecs_share_a_node(bed: Beds) -> None:
    polaris = bed("polaris", nodes=1)
    first = polaris.start("mpiexec", "-n", "1", "sh", "-c", WAITS)
    polaris.ready(first)
    assert polaris.run("mpiexec", "-n", "1", "echo", "beside").out == "beside\n"


def test_pals_says_what_it_does_not_know(bed: Beds) -> None:
    polaris = bed("polaris")
    done = polaris.run("mpiexec", "--bind-to", "core", "true")
    assert done.err == (
        "mpiexec: unrecognized option '--bind-to'\n"
        "Usage: mpiexec [global_options] [command_options] cmd1\n"
        "    [: [command_options] cmd2 [: ...] ]\n"
    )
    assert polaris.run("mpiexec", "--hosts", "elsewhere", "true").err == "mpiexec: host elsewhere is not in the job\n"
    assert polaris.run("mpiexec", "-n", "2", "sh", "-c", "exit $PALS_RANKID").status == 1


def test_hydra_deals_ranks_out_to_the_hosts_of_a_file(bed: Beds) -> None:
    cooley = bed("cooley")
    shown = ["sh", "-c", "echo $PMI_RANK $HOSTNAME $A"]
    done = cooley.run("mpirun", "-f", "nodefile", "-n", "5", "-env", "A", "x", *shown)
    assert sorted(done.out.splitlines()) == ["0 cc001 x", "1 cc002 x", "2 cc003 x", "3 cc004 x", "4 cc001 x"]
    done = cooley.run("mpiexec.mpich", "-hosts", "cc002,cc003", "-ppn", "2", "-n", "4", *shown)
    assert sorted(line.strip() for line in done.out.splitlines()) == ["0 cc002", "1 cc002", "2 cc003", "3 cc003"]


def test_hydra_tells_of_a_bad_end(bed: Beds) -> None:
    done = bed("cooley").run("mpirun", "-hosts", "cc002", "-n", "1", "sh", "-c", "exit 3")
    assert done.status == 3
    assert "BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES" in done.out
    assert "=   EXIT CODE: 3\n" in done.out


# ---------------------------------------------------------------- Blue Gene/Q


def test_a_block_is_booted_used_and_freed(bed: Beds) -> None:
    mira = bed("mira", nodes=1024)
    whole = mira.environment["COBALT_PARTNAME"]
    blocks = mira.run("get-bootable-blocks", "--size", "512", whole).out.split()
    assert blocks == ["MIR-00000-0000F-512", "MIR-00010-0001F-512"]
    job = ["runjob", "--block", blocks[0], "--np", "2", "-p", "2", ":", "/bin/echo", "ran"]
    refused = mira.run(*job)
    assert refused.status == 1
    assert f"block '{blocks[0]}' with status Free is not ready to run jobs\n" in refused.err
    done = mira.run("boot-block", "--block", blocks[0])
    assert (done.status, done.out) == (0, f"Boot for location {blocks[0]} complete.\n")
    assert mira.run(*job).out == "ran\nran\n"
    assert mira.run("get-bootable-blocks", whole).out.split() == blocks[1:]
    done = mira.run("boot-block", "--block", whole)
    assert (done.status, done.err) == (1, f"Boot for location {whole} failed.\n")
    done = mira.run("boot-block", "--block", blocks[0], "--free")
    assert done.out == f"Block free on {blocks[0]} initiated.\nBlock {blocks[0]} successfully freed.\n"
    done = mira.run("boot-block", "--block", "elsewhere")
    assert (done.status, done.err) == (2, "Boot request for block elsewhere failed authorization.\n")
    assert mira.run("boot-block", "--what").status == 3


@pytest.fixture
def mira(bed: Beds) -> Bed:
    machine = bed("mira")
    machine.run("boot-block", "--block", machine.environment["COBALT_PARTNAME"])
    return machine


def test_parts_of_a_block_do_not_share_nodes(mira: Bed) -> None:
    part = ["runjob", "--np", "1", "-p", "1", "--shape", "2x2x2x2x2", "--corner"]
    corners = mira.run("get-corners.py", mira.environment["COBALT_PARTNAME"], "2x2x2x2x2").out.split()
    assert (len(corners), corners[:2]) == (16, ["R00-M0-N00-J00", "R00-M0-N01-J00"])
    first = mira.start(*part, corners[0], ":", "/bin/sh", "-c", "echo ready; read word")
    mira.ready(first)
    assert "nodes are in use" in mira.run(*part, corners[0], ":", "/bin/true").err
    assert mira.run(*part, corners[1], ":", "/bin/true").status == 0
    assert "not the corner of a part" in mira.run(*part, "R00-M0-N01-J01", ":", "/bin/true").err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-p", "3", ":", "/bin/true"], "invalid ranks per node: 3"),
        (["-p", "128", ":", "/bin/true"], "invalid ranks per node: 128"),
        (["/bin/true"], "the program stands behind a colon"),
        (["--np", "513", ":", "/bin/true"], "513 ranks do not fit 512 nodes of 1 ranks each"),
        (["--block", "other", ":", "/bin/true"], "block 'other' does not exist"),
    ],
)
def test_runjob_refuses(mira: Bed, words: list[str], message: str) -> None:
    done = mira.run("runjob", *words)
    assert (done.status, message in done.err) == (1, True)


def test_ranks_see_only_the_environment_that_is_named(mira: Bed) -> None:
    words = ["--np", "1", "--envs", "A=1", "--exp-env", "B", ":", "/usr/bin/env"]
    seen = mira.run("runjob", *words, more={"B": "2", "C": "3"}).out.splitlines()
    assert {"A=1", "B=2"} <= set(seen)
    assert not any(line.startswith(("C=", "COBALT", "PATH=")) for line in seen)


def test_a_node_of_a_blue_gene_cannot_fork(mira: Bed) -> None:
    done = mira.run("runjob", "--np", "1", ":", "/bin/sh", "-c", "/bin/true; echo forked")
    assert done.status != 0
    assert "forked" not in done.out


# ---------------------------------------------------------------- what there is not


def test_submitting_is_told_to_be_missing(bed: Beds) -> None:
    done = bed("slurm", kind=SLURM).run("sbatch", "script")
    assert done.status == 1
    assert done.err.splitlines()[0] == (
        "sbatch: the testbed of this version emulates an allocation only: the nodes of a job, not a queue"
    )


@pytest.mark.parametrize(("site", "name"), [("theta", "showres"), ("polaris", "qmgr")])
def test_other_commands_of_a_queue_are_told_to_be_missing(bed: Beds, site: str, name: str) -> None:
    done = bed(site).run(name)
    assert (done.status, done.err) == (1, f"{name}: the testbed emulates a queue without this command\n")
