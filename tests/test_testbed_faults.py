"""What goes wrong on the testbed goes wrong as it was ordered, and not otherwise."""

import signal

import pytest
from testbed import SLURM, WAITS, Beds

from hpcmake.diagnostics import Trouble, render_all
from hpcmake.testbed.commands.marks import hang_node, kill_node
from hpcmake.testbed.faults import KINDS, Fault, describe_kinds, parse_faults

NODES = ["nid03826", "nid03827", "nid03828", "nid03829", "nid03845"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("node-dies:3827@30", Fault("node-dies", "nid03827", at=30)),
        ("node-dies:nid03845@1m30s", Fault("node-dies", "nid03845", at=90)),
        ("node-hangs:3826@after:2", Fault("node-hangs", "nid03826", after=2)),
        ("slow-start:2s", Fault("slow-start", "2.0")),
        ("launcher-fails:3@after:1", Fault("launcher-fails", "3", after=1)),
        ("lost-output:10%", Fault("lost-output", "0.1")),
        ("lost-output:0.5@5s", Fault("lost-output", "0.5", at=5)),
        ("job-dies", Fault("job-dies")),
        ("job-dies@after:1", Fault("job-dies", after=1)),
    ],
)
def test_faults_are_read(text: str, fault: Fault) -> None:
    assert parse_faults([text], NODES) == [fault]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "node-die:3827@30",
            """\
error[E830]: there is no fault `node-die`
 --> --fault:1:1
1 | node-die:3827@30
  | ^^^^^^^^
  = help: did you mean `node-dies`?
""",
        ),
        (
            "node-dies:17@30",
            """\
error[E830]: this machine has no node `17`
 --> --fault:1:11
1 | node-dies:17@30
  |           ^^
  = help: it has nid03826, nid03827, nid03828, nid03829, …
""",
        ),
        (
            "node-dies:3826",
            """\
error[E830]: `node-dies:3826` does not say when
 --> --fault:1:1
1 | node-dies:3826
  | ^^^^^^^^^^^^^^
  = help: write node-dies:NODE@WHEN; WHEN is a time since the start, such as 30s, or after:N launches
""",
        ),
        (
            "lost-output:2",
            """\
error[E830]: a share is more than 0 and at most 1, not 2
 --> --fault:1:13
1 | lost-output:2
  |             ^
  = help: write for example lost-output:0.1
""",
        ),
    ],
)
def test_a_fault_that_cannot_be_ordered(text: str, message: str) -> None:
    with pytest.raises(Trouble) as caught:
        parse_faults([text], NODES)
    assert render_all(caught.value.diagnostics) == message


@pytest.mark.parametrize(
    "text",
    [
        "node-dies@3",
        "job-dies:3",
        "launcher-fails:x",
        "slow-start:x",
        "lost-output:x",
        "node-dies:3826@after:0",
        "",
        ":@",
    ],
)
def test_other_mistakes_are_told_too(text: str) -> None:
    with pytest.raises(Trouble):
        parse_faults([text], NODES)


def test_each_fault_is_described() -> None:
    assert [line.split()[0] for line in describe_kinds(queue=True)] == list(KINDS.values())


# ---------------------------------------------------------------- nodes


def test_a_node_that_dies_takes_its_ranks_with_it_and_is_given_no_more(bed: Beds) -> None:
    theta = bed()
    process = theta.start("aprun", "-n", "1", "-L", "3827", "sh", "-c", "sleep 999 & " + WAITS)
    theta.ready(process)
    kill_node(theta.state, "nid03827")
    done = theta.end(process)
    assert done.status == 137
    assert done.err.startswith("[NID 03827] ")
    assert done.err.endswith(" Apid 9226246: killed. Received node failed or halted event for nid 3827\n")
    refused = theta.run("aprun", "-n", "1", "-L", "3827", "true")
    assert (refused.status, refused.err) == (1, "apsched: claim exceeds reservation's node-count\n")
    assert theta.run("aprun", "-q", "-n", "3", "-N", "1", "true").status == 0
    assert theta.run("aprun", "-q", "-n", "4", "-N", "1", "true").status == 1


def test_a_node_dies_when_so_many_launches_have_begun(bed: Beds) -> None:
    theta = bed("theta", "node-dies:3826@after:2")
    first = theta.start("aprun", "-q", "-n", "1", "-L", "3826", "sh", "-c", WAITS)
    theta.ready(first)
    assert first.poll() is None
    assert theta.run("aprun", "-q", "-n", "1", "-L", "3827", "true").status == 0
    assert theta.end(first).status == 137
    assert theta.state.events() == ["node nid03826 died after 2 launches"]


def test_a_launch_over_several_nodes_ends_when_one_of_them_dies(bed: Beds) -> None:
    theta = bed()
    process = theta.start(
        "aprun", "-q", "-n", "2", "-N", "1", "sh", "-c", "test $ALPS_APP_PE = 1 || " + WAITS + "; " + WAITS
    )
    theta.ready(process)
    kill_node(theta.state, "nid03827")
    assert theta.end(process).status == 137


def test_slurm_with_no_kill_tells_of_the_node_and_ends_well(bed: Beds) -> None:
    slurm = bed("slurm", kind=SLURM)
    process = slurm.start("srun", "--no-kill", "-N1", "-n1", "-w", "node002", "sh", "-c", WAITS)
    slurm.ready(process)
    kill_node(slurm.state, "node002")
    done = slurm.end(process)
    assert (done.status, done.err) == (0, "srun: error: Node failure on node002\n")
    refused = slurm.run("srun", "-N1", "-n1", "-w", "node002", "true")
    assert refused.err == (
        "srun: error: Unable to create step for job 426815: Required node not available (down, drained or reserved)\n"
    )


def test_a_node_that_hangs_neither_ends_nor_begins_anything(bed: Beds) -> None:
    theta = bed()
    process = theta.start("aprun", "-q", "-n", "1", "-L", "3826", "sh", "-c", WAITS)
    theta.ready(process)
    hang_node(theta.state, "nid03826")
    process.terminate()
    assert theta.run("aprun", "-q", "-n", "1", "-L", "3827", "true").status == 0
    assert process.poll() is None, "who hangs hears no signal"
    process.kill()
    assert theta.end(process).status == -signal.SIGKILL


def test_a_launch_on_a_node_that_hangs_does_not_begin(bed: Beds) -> None:
    theta = bed("theta", "node-hangs:3826@after:1")
    assert theta.run("aprun", "-q", "-n", "1", "-L", "3827", "true").status == 0
    process = theta.start("aprun", "-q", "-n", "1", "-L", "3826", "echo", "began")
    assert theta.run("aprun", "-q", "-n", "1", "-L", "3827", "true").status == 0
    assert process.poll() is None
    process.kill()
    assert theta.end(process).out == ""


# ---------------------------------------------------------------- launches


def test_the_first_launches_fail(bed: Beds) -> None:
    theta = bed("theta", "launcher-fails:2")
    done = [theta.run("aprun", "-q", "echo", "ran") for _ in range(3)]
    assert [each.status for each in done] == [1, 1, 0]
    assert [each.out for each in done] == ["", "", "ran\n"]
    assert done[0].err == (
        "aprun: Unexpected close of the apsys control connection\naprun: Exiting due to errors. Application aborted\n"
    )


def test_later_launches_fail(bed: Beds) -> None:
    slurm = bed("slurm", "launcher-fails:1@after:1", kind=SLURM)
    done = [slurm.run("srun", "-N1", "-n1", "true") for _ in range(3)]
    assert [each.status for each in done] == [0, 1, 0]
    why = "Unable to contact slurm controller (connect failure)"
    assert done[1].err == f"srun: error: Unable to create step for job 426815: {why}\n"


@pytest.mark.parametrize(("site", "words"), [("polaris", ["mpiexec"]), ("cooley", ["mpirun"]), ("mira", ["runjob"])])
def test_each_launcher_can_fail(bed: Beds, site: str, words: list[str]) -> None:
    machine = bed(site, "launcher-fails:1")
    if site == "mira":
        machine.run("boot-block")
        words = [*words, "--np", "1", ":"]
    done = machine.run(*words, "/bin/true")
    assert done.status != 0
    assert done.err
    assert machine.run(*words, "/bin/true").status == 0


def test_lines_of_output_are_lost_and_torn(bed: Beds) -> None:
    theta = bed("theta", "lost-output:0.5")
    done = theta.run(
        "aprun", "-q", "-n", "1", "sh", "-c", "for i in 11 12 13 14 15 16 17 18; do echo $i; done; echo all >&2"
    )
    assert done.out == "11\n13\n115\n17\n1", "12 and 16 are lost, of 14 and 18 there is a half"
    assert done.err == "all\n"


def test_a_slow_start_is_waited_for_by_nobody_who_ends_it(bed: Beds) -> None:
    theta = bed("theta", "slow-start:1h")
    process = theta.start("aprun", "-q", "true")
    while not theta.state.read_claims()[1]:
        pass
    process.kill()
    assert theta.end(process).out == ""
    while theta.state.read_claims()[1]:
        pass


def test_everything_dies_at_once(bed: Beds) -> None:
    theta = bed("theta", "job-dies@after:2")
    first = theta.start("aprun", "-q", "-n", "1", "sh", "-c", WAITS)
    theta.ready(first)
    second = theta.start("aprun", "-q", "-n", "1", "sh", "-c", WAITS)
    assert theta.end(first).status == -signal.SIGKILL
    assert theta.end(second).status in {1, -signal.SIGKILL}
