"""Lists of nodes in the notations of schedulers and launchers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcmake.diagnostics import Trouble, render_all
from hpcmake.runners.notation import (
    MOST_NODES,
    parse_hostlist,
    parse_node_ids,
    parse_nodefile,
    parse_nodes,
    parse_slots,
    render_hostlist,
    render_node_ids,
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("node1", ["node1"]),
        ("node1,node2", ["node1", "node2"]),
        (" node1 , node2\n", ["node1", "node2"]),
        ("nid[001-003,7-9]", ["nid001", "nid002", "nid003", "nid7", "nid8", "nid9"]),
        ("nid[8-11]", ["nid8", "nid9", "nid10", "nid11"]),
        ("nid[08-11]", ["nid08", "nid09", "nid10", "nid11"]),
        ("nid[098-101]", ["nid098", "nid099", "nid100", "nid101"]),
        ("x[1-2]b[01-02]", ["x1b01", "x1b02", "x2b01", "x2b02"]),
        ("nid[1-2]-ib.hpc", ["nid1-ib.hpc", "nid2-ib.hpc"]),
        ("[1-2]x,login-a.b", ["1x", "2x", "login-a.b"]),
        ("b,a,b,n[2,1-3]", ["b", "a", "n2", "n1", "n3"]),
    ],
)
def test_hostlists_of_slurm(text: str, names: list[str]) -> None:
    assert parse_hostlist(text) == names


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("3826-3829,3845", [3826, 3827, 3828, 3829, 3845]),
        ("7", [7]),
        ("9, 3-4 ,9", [9, 3, 4]),
        ("00012-00013", [12, 13]),
    ],
)
def test_node_ids_of_cobalt_and_alps(text: str, ids: list[int]) -> None:
    assert parse_node_ids(text) == ids


def test_a_file_of_pbs_has_a_line_for_each_chunk() -> None:
    text = "x3001c0\nx3001c0\nx3002c1\nx3001c0\n"
    assert parse_nodefile(text) == ["x3001c0", "x3002c1"]
    assert parse_slots(text) == {"x3001c0": 3, "x3002c1": 1}


def test_files_of_hosts_of_mpich_and_open_mpi() -> None:
    text = "# mine\n\nnode1:4\nnode2 slots=8 max_slots=16  # the large one\nnode3 binding=user:0,1\nnode1\n"
    assert parse_slots(text) == {"node1": 5, "node2": 8, "node3": 1}


def test_any_notation_of_names_is_known_by_its_form() -> None:
    assert parse_nodes("n[1-2],m\n") == ["n1", "n2", "m"]
    assert parse_nodes("n1\nn1\nn2\n") == ["n1", "n2"]
    assert parse_nodes("n1:3") == ["n1"]


# ---------------------------------------------------------------- back to text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["node1"], "node1"),
        (["nid001", "nid002", "nid003", "nid007", "login"], "nid[001-003,007],login"),
        (["n3", "n1", "n2"], "n[3,1-2]"),
        (["n9", "n10", "n011"], "n[9-10,011]"),
        (["a1", "b2", "a2"], "a1,b2,a2"),
        (["n1-ib", "n2-ib"], "n1-ib,n2-ib"),  # Slurm reads no text behind brackets
        (["x1b01", "x1b02", "x2b01"], "x1b[01-02],x2b01"),
    ],
)
def test_names_are_written_short_and_in_their_order(names: list[str], text: str) -> None:
    assert render_hostlist(names) == text


def test_ids_are_written_short_and_in_their_order() -> None:
    assert render_node_ids([]) == ""
    assert render_node_ids([3845, 3826, 3827, 3829]) == "3845,3826-3827,3829"


NUMBERED = st.builds(
    lambda prefix, number, width, suffix: f"{prefix}{number:0{width}}{suffix}",
    st.sampled_from(["n", "nid", "x1c", "a-", "7."]),
    st.integers(0, 120),
    st.integers(1, 4),
    st.sampled_from(["", "", "-ib", ".hpc"]),
)
NAMES = st.lists(NUMBERED | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,24}", fullmatch=True), unique=True)


@given(NAMES.filter(bool))
def test_a_hostlist_that_was_written_is_read_as_the_same_names(names: list[str]) -> None:
    assert parse_hostlist(render_hostlist(names)) == names


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=1))
def test_node_ids_that_were_written_are_read_as_the_same_ids(ids: list[int]) -> None:
    assert parse_node_ids(render_node_ids(ids)) == ids


@given(NAMES.filter(bool))
def test_a_file_of_nodes_is_read_as_the_same_names(names: list[str]) -> None:
    assert parse_nodefile("".join(f"{name}\n" for name in names)) == names


@given(st.text(alphabet="n019[],- .\t\n$(", max_size=30))
def test_any_text_is_a_list_or_a_mistake_that_shows_it(text: str) -> None:
    told: list[str] = []
    for parse in (parse_hostlist, parse_node_ids, parse_nodefile, parse_nodes):
        try:
            found: list[str] | list[int] = parse(text)  # type: ignore[operator]
        except Trouble as trouble:
            told.append(render_all(trouble.diagnostics))
        else:
            assert found
            assert len(set(found)) == len(found)
    assert all(each.startswith("error[E912]: ") for each in told)


@given(st.text(max_size=200))
def test_no_text_at_all_breaks_a_reader(text: str) -> None:
    for parse in (parse_hostlist, parse_node_ids, parse_nodefile):
        try:
            assert parse(text)  # type: ignore[operator]
        except Trouble as trouble:
            render_all(trouble.diagnostics)


def test_a_hundred_thousand_nodes() -> None:
    names = [f"nid{number:06}" for number in range(100_000)]
    assert parse_hostlist(",".join(names)) == names
    assert parse_hostlist("nid[000000-099999]") == names
    assert render_hostlist(names) == "nid[000000-099999]"


# ---------------------------------------------------------------- garbage


@pytest.mark.parametrize(
    ("text", "at", "label"),
    [
        ("nid[1-3", "[1-3", "this bracket is not closed"),
        ("nid[", "[", "this bracket is not closed"),
        ("nid[1-3,", "[1-3,", "this bracket is not closed"),
        ("nid[1-3]]", "]", "`]` may not stand here"),
        ("nid[]", "]", "`]` may not stand here"),
        ("a,,b", ",", "`,` may not stand here"),
        (",a", ",", "`,` may not stand here"),
        ("a,", ",", "something is missing behind this"),
        ("a b", "b", "a comma is missing in front of this"),
        ("(null)", "(null)", "not the name of a node"),
        ("$SLURM", "$SLURM", "not the name of a node"),
        ("a,-x", "-x", "not the name of a node"),
        ("n[1-2]$", "$", "not the name of a node"),
        ("n[1,-2]", "-2", "neither a number nor a range of numbers"),
        ("nid[001-00x]", "001-00x", "neither a number nor a range of numbers"),
        ("n[3-1]", "3-1", "this range goes down"),
        ("n[1-999999999999]", "1-999999999999", "that would be 999,999,999,999 nodes: at most 1,000,000 can be listed"),
        ("n[1-9" + 20 * "9" + "]", "1-9" + 20 * "9", "no node has a number of over 18 digits"),
        (
            "a,n[1-2000]m[1-2000]",
            "n[1-2000]m[1-2000]",
            "that would be 4,000,001 nodes: at most 1,000,000 can be listed",
        ),
    ],
)
def test_garbage_in_a_hostlist_is_shown(text: str, at: str, label: str) -> None:
    with pytest.raises(Trouble) as caught:
        parse_hostlist(text, source="SLURM_JOB_NODELIST")
    (problem,) = caught.value.diagnostics
    assert problem.code == "E912"
    assert problem.span is not None
    assert (problem.span.text, problem.label) == (at, label)


@pytest.mark.parametrize(
    ("text", "at"), [("3826-", "3826-"), ("R00-M0", "R00-M0"), ("1,b", "b"), ("1--2", "1--2"), ("-1", "-1")]
)
def test_garbage_among_node_ids_is_shown(text: str, at: str) -> None:
    with pytest.raises(Trouble) as caught:
        parse_node_ids(text)
    span = caught.value.diagnostics[0].span
    assert span is not None
    assert span.text == at


@pytest.mark.parametrize(
    ("text", "at", "label"),
    [
        ("a\n!\n", "!", "not the name of a node"),
        ("a:x", "a:x", "not the name of a node"),
        ("a\n  b:2 foo", "foo", "may not stand behind the name of a node"),
    ],
)
def test_garbage_in_a_file_is_shown(text: str, at: str, label: str) -> None:
    with pytest.raises(Trouble) as caught:
        parse_nodefile(text)
    (problem,) = caught.value.diagnostics
    assert problem.span is not None
    assert (problem.span.text, problem.label) == (at, label)


def test_a_mistake_as_it_is_told() -> None:
    with pytest.raises(Trouble) as caught:
        parse_hostlist("nid[001-004,00x]", source="SLURM_JOB_NODELIST")
    assert render_all(caught.value.diagnostics) == (
        "error[E912]: SLURM_JOB_NODELIST cannot be read\n"
        " --> SLURM_JOB_NODELIST:1:13\n"
        "1 | nid[001-004,00x]\n"
        "  |             ^^^ neither a number nor a range of numbers\n"
        "  = help: a list of nodes is written `nid[001-003,007]` or `node1,node2`\n"
    )


@pytest.mark.parametrize("text", ["", " \n", "\n\n"])
def test_a_list_of_nothing_is_a_mistake(text: str) -> None:
    with pytest.raises(Trouble, match="E912 COBALT_PARTNAME is empty"):
        parse_node_ids(text, source="COBALT_PARTNAME")
    with pytest.raises(Trouble, match=r"E912 nodes\.txt names no node"):
        parse_nodefile(text, source="nodes.txt")


def test_no_machine_has_more_nodes_than_can_be_listed() -> None:
    assert len(parse_node_ids(f"1-{MOST_NODES}")) == MOST_NODES
    with pytest.raises(Trouble, match="E912"):
        parse_node_ids(f"1-{MOST_NODES},{MOST_NODES + 1}")
