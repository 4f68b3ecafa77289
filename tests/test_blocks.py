"""Blocks of Blue Gene/Q."""

import pytest

from hpcmake.diagnostics import Trouble, render_all
from hpcmake.runners.blocks import (
    block_size,
    block_sizes,
    find_boot_failure,
    parse_blocks,
    parse_corners,
    parts_of,
    render_boot,
    render_bootable,
    render_corners,
    render_free,
    take_apart,
)

WHOLE = "MIR-00000-73731-2048"


def test_commands() -> None:
    assert render_bootable(WHOLE, 512) == ["get-bootable-blocks", "--size", "512", WHOLE]
    assert render_boot("MIR-00000-33331-512") == ["boot-block", "--block", "MIR-00000-33331-512"]
    assert render_free("MIR-00000-33331-512") == ["boot-block", "--block", "MIR-00000-33331-512", "--free"]
    assert render_corners("MIR-00000-33331-512", 30) == ["get-corners.py", "MIR-00000-33331-512", "2x2x2x2x2"]


@pytest.mark.parametrize("between", ["\n", " "])
def test_blocks_of_one_size_are_taken(between: str) -> None:
    names = ["MIR-00000-33331-512", "MIR-00040-33371-512", "MIR-00000-33371-1024"]
    assert parse_blocks(between.join(names) + "\n", size=512) == names[:2]
    assert parse_blocks("", size=512) == []


def test_what_is_no_block_is_shown() -> None:
    with pytest.raises(Trouble) as caught:
        parse_blocks("MIR-00000-33331-512\nTraceback (most recent call last):\n", size=512)
    assert render_all(caught.value.diagnostics) == (
        "error[E912]: what get-bootable-blocks says cannot be read\n"
        " --> get-bootable-blocks:2:1\n"
        "2 | Traceback (most recent call last):\n"
        "  | ^^^^^^^^^ not the name of a block\n"
    )


def test_the_name_of_a_block_ends_in_its_size() -> None:
    assert block_size(WHOLE) == 2048
    assert block_size("MIR-test") is None


def test_corners() -> None:
    assert parse_corners("R00-M0-N00-J00\nR00-M0-N04-J00 R00-M0-N00-J00\n") == ["R00-M0-N00-J00", "R00-M0-N04-J00"]


@pytest.mark.parametrize(
    ("nodes", "block", "given"),
    [(1, 512, 1), (2, 512, 4), (20, 512, 32), (512, 512, 512), (512, 1024, 1024), (600, 512, None), (100, 64, None)],
)
def test_a_task_is_given_a_part_of_a_block_or_all_of_it(nodes: int, block: int, given: int | None) -> None:
    assert parts_of(nodes, block) == given


def test_no_part_is_larger_than_512_nodes() -> None:
    with pytest.raises(Trouble, match="E913 no part of a block has 600 nodes"):
        render_corners(WHOLE, 600)


def test_of_blocks_that_have_nodes_in_common_one_is_taken() -> None:
    names = ["MIR-00000-33371-1024", "MIR-00000-37331-1024", "MIR-04000-37371-1024", "MIR-00040-33371-512"]
    assert take_apart(names, 4) == ["MIR-00000-33371-1024", "MIR-04000-37371-1024"]
    assert take_apart(names, 1) == names[:1]
    assert take_apart(["MIR-C0000-33331-512", "VST-one-64"], 2) == ["MIR-C0000-33331-512", "VST-one-64"]


def test_sizes_of_blocks_are_doubled_up_to_all() -> None:
    assert block_sizes(512, 512) == [512]
    assert block_sizes(512, 12288) == [512, 1024, 2048, 4096, 8192, 12288]
    assert block_sizes(64, 32) == [32]


@pytest.mark.parametrize(
    ("status", "out", "err", "why"),
    [
        (0, "Boot for location B complete.\n", "", None),
        (1, "", "Boot for location B failed.\n", "Boot for location B failed."),
        (0, "", "Boot for location B failed.\n", "Boot for location B failed."),
        (
            2,
            "",
            "Boot request for block B failed authorization.\n",
            "Boot request for block B failed authorization.",
        ),
        (3, "", "boot-block: no such option\n", "boot-block: no such option"),
        (-9, "", "", "boot-block ended with status -9"),
    ],
)
def test_how_a_boot_has_ended(status: int, out: str, err: str, why: str | None) -> None:
    assert find_boot_failure(status, out, err) == why
