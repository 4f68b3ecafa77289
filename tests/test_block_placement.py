"""Which task goes to which block of Blue Gene/Q, and which blocks are booted for that: decisions, without a machine."""

import random
from collections.abc import Iterable, Iterator
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcmake.model import Attempt, Resources
from hpcmake.runners.block_books import BOOT, CORNERS, FREE, LIST, Errand
from hpcmake.runners.block_placement import BlockPlacement
from hpcmake.runners.blocks import block_sizes
from hpcmake.runners.dialects import SHAPES
from hpcmake.runners.orders import Drop, Rules, Spread

WHOLE = "MIR-00000-0001F-1024"


def block_name(start: int, size: int) -> str:
    return f"MIR-{start >> 5:05X}-{(start + size - 1) >> 5:05X}-{size}"


def wide(id_: int, nodes: int, *, ceiling: float = 0.0) -> Attempt:
    return Attempt(id=id_, task=f"t{id_}", number=1, argv=("x",), resources=Resources(nodes=nodes), ceiling=ceiling)


class Partition:
    """A partition whose blocks are ranges of nodes, and a placement of it.  `broken` blocks do not boot."""

    def __init__(
        self,
        total: int = 1024,
        *,
        rules: Rules | None = None,
        end: float = inf,
        most: int | None = None,
        broken: Iterable[str] = (),
        booted: Iterable[str] = (),
        left: Iterable[str] = (),
        has_corners: bool = True,
    ) -> None:
        self.name = block_name(0, total)
        sizes = block_sizes(512, total)
        self.ranges = {block_name(at, n): (at, at + n) for n in sizes for at in range(0, total - n + 1, n)}
        self.placement = BlockPlacement(
            self.name, sizes, rules or Rules(), end=end, most=most or total, left=left, apart=0.0
        )
        self.broken = set(broken)
        self.booted = set(booted)
        self.has_corners = has_corners
        self.now = 0.0
        self.said: list[str] = []
        self.running: dict[int, tuple[str, int]] = {}
        """Where each attempt runs, and with how many nodes."""
        self.nodes_of: dict[int, int] = {}
        self.dropped: dict[int, str] = {}

    def queue(self, *attempts: Attempt) -> None:
        self.nodes_of.update((attempt.id, attempt.resources.nodes or 0) for attempt in attempts)
        self.placement.queue(attempts)

    def step(self, seconds: float = 1.0) -> None:
        """Decide, and carry all of it out."""
        self.now += seconds
        for order in self.placement.decide(self.now):
            if isinstance(order, Spread):
                (number,) = order.nodes
                place = self.placement.nodes[number].spot.name
                self.running[order.attempt.id] = (place, self.nodes_of[order.attempt.id])
                self.placement.began(order.attempt.id, self.now)
            elif isinstance(order, Drop):
                self.dropped[order.id] = order.why
        self.check()
        for errand in self.placement.take_errands():
            self.carry_out(errand)

    def settle(self) -> None:
        """Go on until nothing new is decided."""
        quiet = 0
        while quiet < 3:
            before = (len(self.said), len(self.running), len(self.dropped))
            self.step()
            quiet = 0 if before != (len(self.said), len(self.running), len(self.dropped)) else quiet + 1

    def end(self, id_: int) -> None:
        del self.running[id_]
        self.placement.ended(id_, 1.0)

    def carry_out(self, errand: Errand) -> None:
        self.said.append(f"{errand.kind} {errand.nodes or errand.block}")
        if errand.kind == LIST:
            self.placement.listed(errand, [name for name in self._bootable() if name.endswith(f"-{errand.nodes}")])
        elif errand.kind == BOOT:
            fine = errand.block not in self.broken and (errand.block in self.booted or errand.block in self._bootable())
            if fine:
                self.booted.add(errand.block)
            self.placement.booted(errand, None if fine else f"Boot for location {errand.block} failed.")
        elif errand.kind == FREE:
            assert not any(place.partition("/")[0] == errand.block for place, _ in self.running.values())
            self.booted.discard(errand.block)
            self.placement.freed(errand, None)
        else:
            assert errand.kind == CORNERS
            low, high = self.ranges[errand.block]
            corners = [f"{at}" for at in range(low, high, errand.nodes)] if self.has_corners else []
            self.placement.cornered(errand, corners)

    def _bootable(self) -> list[str]:
        taken = [self.ranges[name] for name in self.booted]
        found = [name for name, (a, b) in self.ranges.items() if not any(a < high and low < b for low, high in taken)]
        return sorted(found, key=lambda name: (self.ranges[name][1] - self.ranges[name][0], name))

    def check(self) -> None:
        """Nothing runs on nodes of something else, nor on a block that is not booted."""
        spans = []
        for place, nodes in self.running.values():
            block, _, corner = place.partition("/")
            assert block in self.booted
            low, high = self.ranges[block]
            if corner:
                low = int(corner)
                high = low + next(size for size in sorted(SHAPES) if size >= nodes)
            assert high - low >= nodes
            spans.append((low, high))
        spans.sort()
        assert all(one[1] <= other[0] for one, other in zip(spans, spans[1:], strict=False))

    def places(self) -> Iterator[str]:
        return (place for place, _ in self.running.values())


def test_a_block_is_booted_for_each_task_that_fills_one() -> None:
    partition = Partition(2048)
    partition.queue(*(wide(number, 512) for number in range(3)))
    partition.settle()
    first, second, third, fourth = (block_name(at, 512) for at in range(0, 2048, 512))
    assert partition.said == ["list 512", f"boot {first}", f"boot {second}", f"boot {third}"]
    assert set(partition.places()) == {first, second, third}
    partition.queue(wide(3, 512))
    partition.settle()
    assert fourth in partition.places()


def test_tasks_that_want_fewer_nodes_than_a_block_run_side_by_side_on_its_parts() -> None:
    partition = Partition()
    partition.queue(*(wide(number, 100) for number in range(5)))
    partition.settle()
    first, second = block_name(0, 512), block_name(512, 512)
    assert set(partition.places()) == {*(f"{first}/{at}" for at in (0, 128, 256, 384)), f"{second}/512"}


def test_a_block_is_cut_anew_once_nothing_runs_on_it() -> None:
    partition = Partition(512)
    partition.queue(wide(0, 256), wide(1, 256))
    partition.settle()
    partition.queue(wide(2, 64), wide(3, 512))
    partition.end(0)
    partition.settle()
    assert set(partition.running) == {1}, "the block is kept for the wide one"
    partition.end(1)
    partition.settle()
    assert set(partition.running) == {3}
    partition.end(3)
    partition.settle()
    assert set(partition.running) == {2}
    assert partition.said.count(f"boot {partition.name}") == 1, "no boot is needed for another cut"


def test_where_parts_cannot_be_told_a_task_has_the_whole_block() -> None:
    partition = Partition(512, has_corners=False)
    partition.queue(wide(0, 32), wide(1, 32))
    partition.settle()
    assert list(partition.places()) == [partition.name]
    assert partition.placement.notes == [
        f"get-corners.py tells no parts of 32 nodes in {partition.name}: tasks have all of it"
    ]


def test_blocks_of_several_sizes_are_booted_side_by_side_and_in_turn() -> None:
    partition = Partition(2048)
    partition.queue(wide(0, 1024), wide(1, 512), wide(2, 512), wide(3, 512))
    partition.settle()
    assert set(partition.running) == {0, 1, 2}
    partition.end(0)
    partition.settle()
    assert set(partition.running) == {1, 2}, "the large block may be wanted again soon"
    partition.step(60.0)
    partition.settle()
    assert set(partition.running) == {1, 2, 3}, "the large block was freed for a small one"
    partition.queue(wide(4, 2048))
    for number in (1, 2, 3):
        partition.end(number)
    partition.settle()
    assert list(partition.places()) == [partition.name]


def test_a_block_that_does_not_boot_is_left_out_and_told() -> None:
    bad = block_name(0, 512)
    partition = Partition(broken=[bad])
    partition.queue(wide(0, 512), wide(1, 512), wide(2, 1024))
    partition.settle()
    assert partition.placement.failure == ""


def test_where_a_small_block_does_not_boot_others_do() -> None:
    bad, good = block_name(0, 512), block_name(512, 512)
    partition = Partition(broken=[bad])
    partition.queue(wide(0, 512), wide(1, 512))
    partition.settle()
    assert list(partition.places()) == [good]
    assert partition.placement.notes == [
        f"block {bad} cannot be booted, and is left out: Boot for location {bad} failed."
    ]
    partition.end(next(iter(partition.running)))
    partition.settle()
    assert list(partition.places()) == [good]


def test_where_none_boots_there_is_a_reason() -> None:
    partition = Partition(broken=[block_name(0, 512), block_name(512, 512)])
    partition.queue(wide(0, 512), wide(1, 512))
    partition.settle()
    assert partition.placement.failure == "Boot for location MIR-00010-0001F-512 failed."
    assert not partition.running


def test_a_block_that_is_booted_already_is_used_as_it_is_and_not_freed() -> None:
    partition = Partition(booted=[WHOLE])
    partition.queue(wide(0, 1024), wide(1, 512))
    partition.settle()
    assert list(partition.places()) == [WHOLE]
    partition.end(0)
    partition.settle()
    assert set(partition.running) == {1}, "it is too large to be cut"
    assert partition.placement.to_free() == []
    assert partition.placement.notes == [
        (
            f"{WHOLE} was booted before the job's script began, so it is one place, for one task at a time; "
            "in a job submitted with --disable_preboot, blocks are booted as tasks need them"
        )
    ]


def test_where_nobody_says_which_blocks_there_are_what_runs_goes_on() -> None:
    partition = Partition()
    partition.queue(wide(0, 512))
    partition.settle()
    partition.queue(wide(1, 512))
    partition.placement.decide(partition.now)
    (errand,) = partition.placement.take_errands()
    partition.placement.unlisted(errand, "get-bootable-blocks has failed", partition.now)
    partition.settle()
    assert set(partition.running) == {0}
    assert partition.placement.notes == ["get-bootable-blocks has failed; it is asked again in 60 s"]
    partition.step(60.0)
    partition.settle()
    assert set(partition.running) == {0, 1}


def test_a_small_block_that_is_booted_already_is_cut() -> None:
    partition = Partition(512, booted=[block_name(0, 512)])
    partition.queue(wide(0, 32), wide(1, 32))
    partition.settle()
    assert len(partition.running) == 2
    assert partition.placement.notes == []


def test_what_an_earlier_run_in_this_job_has_left_is_freed_first() -> None:
    left = block_name(0, 512)
    partition = Partition(booted=[left], left=[left])
    partition.queue(wide(0, 1024))
    partition.settle()
    assert partition.said == [f"free {left}", "list 1024", f"boot {WHOLE}"]
    assert partition.placement.to_free() == [WHOLE]


def test_no_more_launches_than_the_site_allows_nor_closer_together() -> None:
    partition = Partition(rules=Rules(at_once=2, pause=0.5))
    partition.queue(*(wide(number, 32) for number in range(8)))
    partition.settle()
    assert len(partition.running) == 2
    assert [word for word in partition.said if word.startswith("boot")] == [f"boot {block_name(0, 512)}"]


def test_no_more_nodes_are_used_than_were_asked_for() -> None:
    partition = Partition(2048, most=600)
    partition.queue(wide(0, 512), wide(1, 512), wide(2, 64), wide(3, 1024))
    partition.settle()
    assert set(partition.running) == {0, 2}
    assert partition.dropped == {3: "size"}


def test_what_no_longer_fits_before_the_end_is_given_back() -> None:
    partition = Partition(end=100.0)
    partition.queue(wide(0, 512, ceiling=50.0))
    partition.step(60.0)
    assert partition.dropped == {0: "deadline"}


@pytest.mark.parametrize("total", [512, 2048])
@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.sampled_from([1, 3, 32, 200, 512, 513, 1024, 2048]), max_size=25), seed=st.integers(0, 99))
def test_all_that_fits_runs_and_never_two_on_the_same_nodes(total: int, sizes: list[int], seed: int) -> None:
    choose = random.Random(seed)
    partition = Partition(total, rules=Rules(at_once=8))
    begun: set[int] = set()
    todo = [wide(number, size) for number, size in enumerate(sizes)]
    while todo or partition.running or len(partition.placement.waiting):
        for _ in range(choose.randint(1, 4)):
            if todo:
                partition.queue(todo.pop())
        partition.step(choose.choice([0.1, 1.0, 100.0]))
        begun |= set(partition.running)
        for id_ in list(partition.running):
            if choose.random() < 0.3:
                partition.end(id_)
        assert partition.now < 1e6, "it goes on for ever"
    assert begun == {number for number, size in enumerate(sizes) if size <= total}
