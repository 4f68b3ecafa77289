"""What launchers say when it was not the program that failed: each sentence, and what looks like one and is none."""

import pytest

from hpcmake.runners.launch_faults import Fault, find_fault

NOT_STARTED = [
    "apsched: claim exceeds reservation's node-count",
    "apsched: no more claims allowed for this reservation (max 1000)",
    "aprun: Unexpected close of the apsys control connection",
    "srun: error: Unable to create step for job 12: Requested nodes are busy",
    "srun: error: Unable to create step for job 12: Unspecified error",
    "srun: error: task 0 launch failed: Unspecified error",
]


@pytest.mark.parametrize("line", NOT_STARTED)
def test_a_launcher_that_did_not_start_is_known_by_its_words(line: str) -> None:
    assert find_fault(f"module loaded\n{line}\n") == Fault("launcher", line)


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("srun: error: Node failure on node007\n", ("node007",)),
        ("srun: error: Node failure on node[007-008]\n", ("node007", "node008")),
        (
            "[NID 03827] 2026-01-01 10:00:00 Apid 9226246: killed. Received node failed or halted event for nid 3827\n",
            ("3827",),
        ),
    ],
)
def test_a_lost_node_is_known_by_the_words_of_its_launcher(text: str, lost: tuple[str, ...]) -> None:
    found = find_fault("some output\n" + text, ["node006", "node007", "node008", "3826", "3827"])
    assert found is not None
    assert (found.why, found.nodes, found.text) == ("node", lost, text.strip())


def test_a_node_that_is_none_of_ours_is_not_believed() -> None:
    assert find_fault("srun: error: Node failure on node007\n", ["node001"]) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "error: cannot open input\n",
        "srun: error: node001: task 0: Exited with exit code 3\n",
        "Application 9226246 exit codes: 127\n",
        "[NID 03827] 2026-01-01 10:00:00 Apid 9226246: initiated application termination\n",
        "my model predicts node failure on Tuesday\n",
    ],
)
def test_what_a_program_says_is_no_fault_of_its_launcher(text: str) -> None:
    assert find_fault(text, ["node001", "3827"]) is None
