"""Which task goes to which block of a partition of Blue Gene/Q, and which blocks are booted and freed for that.

Owns these decisions.  Knows nothing of processes, and has no clock: it is told what errands have come to, and answers
with orders and errands.
"""

from __future__ import annotations

from collections import deque
from math import ceil, inf

from hpcmake.runners.block_books import BOOT, BOOTING, CORNERS, DEAD, FREE, FREEING, LIST, UP, Block, Errand
from hpcmake.runners.blocks import LARGEST_CUT, parts_of, take_apart
from hpcmake.runners.nodes import Node, Placed
from hpcmake.runners.orders import Drop, Spot, Spread
from hpcmake.runners.placement import Placement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hpcmake.runners.orders import Order, Rules
    from hpcmake.runners.waiting import Kind

_SOON = 1.0  # seconds
_IDLE = 60.0  # seconds after which a block that nothing wants is freed for another size
_POLL = 0.2  # seconds between two looks at errands
_LEAST = 1e-6


class BlockPlacement(Placement):
    """Decides for the nodes of one `partition`, in which blocks of these `sizes` (ascending) may be booted.

    At most `most` nodes are used.  `left` are blocks that an earlier run in this job has left booted; they are freed
    first.  Two boots begin `apart` seconds after each other.
    """

    def __init__(
        self,
        partition: str,
        sizes: Sequence[int],
        rules: Rules,
        *,
        end: float,
        most: int,
        left: Iterable[str] = (),
        apart: float = 5.0,
    ) -> None:
        super().__init__((), rules, end=end)
        self.partition = partition
        self.sizes = sizes
        self.total = sizes[-1]
        self.most = most
        self.blocks: dict[str, Block] = {}
        self.notes: list[str] = []
        """What the user is to be told."""
        self.failure = ""
        """Why no task can run at all, once that is so."""
        self._errands: deque[Errand] = deque()
        self._boots: deque[str] = deque()
        self._under_way: set[Errand] = set()
        self._apart = apart
        self._next_boot = 0.0
        self._next_list = 0.0
        self._now = 0.0
        self._version = 0
        """Grows whenever other blocks than before may be bootable."""
        self._asked: dict[int, int] = {}
        self._impossible: set[int] = set()
        self.was_up = False
        """Whether any block has been booted."""
        self._block_of: dict[int, Block] = {}
        self._numbers: dict[str, int] = {}
        for name in left:
            self.blocks[name] = Block(name, 0, state=FREEING)
            self._send(Errand(FREE, name))

    # ------------------------------------------------------------ what a runner asks

    @property
    def usable(self) -> int:
        """How many nodes may be used."""
        return 0 if self.failure else self.most

    def has_idle(self) -> bool:
        """Return whether a block is free that nothing which waits can use."""
        wanted = self._demand()
        return any(block.is_idle and block.size not in wanted for block in self.blocks.values())

    def wake(self, now: float) -> float:
        """Return when to decide again though nothing happens."""
        if self._under_way or self._boots:
            return min(super().wake(now), now + _POLL)
        return super().wake(now)

    def take_errands(self) -> list[Errand]:
        """Return the commands that are to be called now."""
        errands = list(self._errands)
        self._errands.clear()
        return errands

    def to_free(self) -> list[str]:
        """Return the blocks that are to be freed when all has ended."""
        states = {BOOTING, UP, FREEING}
        begun = (block for block in self.blocks.values() if block.state in states and block.name not in self._boots)
        return [block.name for block in begun if block.ours]

    # ------------------------------------------------------------ what errands have come to

    def listed(self, errand: Errand, names: Sequence[str]) -> None:
        """These blocks can be booted now."""
        self._under_way.discard(errand)
        size = errand.nodes
        live = sum(block.size for block in self.blocks.values() if block.is_live)
        room = (ceil(self.most / size) * size - live) // size
        missing = self._missing(size)
        found = take_apart((name for name in names if name not in self.blocks), min(missing, room))
        if len(found) < missing:
            self._asked[size] = self._version  # there are no more for now
        for name in found:
            self.blocks[name] = Block(name, size)
            self._boots.append(name)
        if found or live or missing <= 0:
            return
        if size == self.total and self.partition not in self.blocks:
            # it can be booted no more since it is: Cobalt has done so before it began the script
            self.blocks[self.partition] = Block(self.partition, size, ours=False)
            self._boots.append(self.partition)
            self._impossible.update(self.sizes[:-1])
            return
        self._impossible.add(size)  # with nothing booted, there will be none later
        if size == self.total:
            self._give_up("none can be booted")

    def unlisted(self, errand: Errand, why: str, now: float) -> None:
        """Nobody says which blocks can be booted: that is asked again later, while what runs goes on."""
        self._under_way.discard(errand)
        self._next_list = now + _IDLE
        self.notes.append(f"{why}; it is asked again in {_IDLE:.0f} s")

    def booted(self, errand: Errand, trouble: str | None) -> None:
        """A block was booted, or not."""
        self._under_way.discard(errand)
        block = self.blocks[errand.block]
        if trouble is None:
            block.state = UP
            self.was_up = True
            if not block.ours:
                self._tell_of_preboot(block)
            return
        block.state = DEAD
        self._version += 1
        if not self.was_up and not self._boots and not any(each.is_live for each in self.blocks.values()):
            self._give_up(trouble)
        else:
            self.notes.append(f"block {block.name} cannot be booted, and is left out: {trouble}")

    def freed(self, errand: Errand, trouble: str | None) -> None:
        """A block was freed, or not."""
        self._under_way.discard(errand)
        self._version += 1
        if trouble is None:
            del self.blocks[errand.block]
        else:
            self.blocks[errand.block].state = DEAD
            self.notes.append(f"block {errand.block} cannot be freed: {trouble}")

    def cornered(self, errand: Errand, corners: Sequence[str]) -> None:
        """These are the corners of the parts of a block; if there are none, it has no such parts."""
        self._under_way.discard(errand)
        self.blocks[errand.block].corners[errand.nodes] = list(corners)
        if not corners:
            text = f"get-corners.py tells no parts of {errand.nodes} nodes in {errand.block}: tasks have all of it"
            self.notes.append(text)

    def _give_up(self, why: str) -> None:
        if not self.was_up:
            self.failure = why

    def _tell_of_preboot(self, block: Block) -> None:
        if block.size <= LARGEST_CUT or not any(kind.want.nodes < block.size for kind in self._waiting_kinds()):
            return
        self.notes.append(
            f"{block.name} was booted before the job's script began, so it is one place, for one task at a time; "
            "in a job submitted with --disable_preboot, blocks are booted as tasks need them"
        )

    # ------------------------------------------------------------ deciding

    def ended(self, id_: int, wall: float | None = None) -> None:
        """An attempt runs no more, or never began there; what it had is free.  `wall`: it took so many seconds."""
        placed = self.placed.get(id_)
        super().ended(id_, wall)
        for number in placed.nodes if placed is not None else ():
            block = self._block_of[number]
            block.used.discard(number)
            block.free.append(self.nodes[number].spot.name)
            block.idle_since = self._now

    def decide(self, now: float) -> list[Order]:
        """Return what is to be done now.  It counts as done."""
        self._now = now
        orders: list[Order] = []
        if now >= self._looked + _SOON or self._looked == -inf:
            orders += self._drop_hopeless(now)
            self._looked = now
        self._place_all(now, orders)
        self._reshape(now)
        return orders

    def _send(self, errand: Errand) -> None:
        self._under_way.add(errand)
        self._errands.append(errand)

    def _waiting_kinds(self) -> Iterator[Kind]:
        return (kind for kind in self.waiting.kinds if kind.queue)

    def _drop_hopeless(self, now: float) -> Iterator[Order]:
        for number, kind in enumerate(self.waiting.kinds):
            why = "deadline" if kind.want.ceiling > self.left(now) else ""
            if self._size_for(kind.want.nodes) is None or kind.want.nodes > self.most:
                why = "size"
            while why and kind.queue:
                yield Drop(self.waiting.take(number).id, why)

    def _size_for(self, nodes: int) -> int | None:
        """Return of which size a block is for a task with so many nodes; None if there is none."""
        return next((size for size in self.sizes if nodes <= size and size not in self._impossible), None)

    def _place_all(self, now: float, orders: list[Order]) -> None:
        """Begin what finds a place: what has priority, then what is wide, then what is long."""
        for block in self.blocks.values():
            block.kept = 0
        order = [number for number, kind in enumerate(self.waiting.kinds) if kind.queue]
        wants = [kind.want for kind in self.waiting.kinds]
        order.sort(key=lambda number: (-wants[number].priority, -wants[number].nodes, -wants[number].tail))
        used = sum(self.waiting.kinds[placed.kind].want.nodes for placed in self.placed.values())
        for number in order:
            kind = self.waiting.kinds[number]
            nodes = kind.want.nodes
            while kind.queue and used + nodes <= self.most:
                if not self._may_launch(now):
                    return
                spot = self._find_spot(nodes)
                if spot is None:
                    self._keep_blocks(kind)
                    break
                attempt = self.waiting.take(number)
                self.placed[attempt.id] = Placed(attempt, number, (spot,))
                self.nodes[spot].wide = attempt.id
                self._wide_running += 1
                self._note_launch(now)
                orders.append(Spread(attempt, (spot,)))
                used += nodes

    def _find_spot(self, nodes: int) -> int | None:
        """Return the number of a place for a task with so many nodes, which is taken then; None if none is free."""
        size = self._size_for(nodes)
        if size is None:
            return None
        part = parts_of(nodes, size) or size
        blocks = [block for block in self.blocks.values() if block.state == UP and block.size == size]
        for block in blocks:
            if block.used and block.free and block.cut == part and block.kept in {0, part}:
                return self._take(block)
        for block in blocks:
            if not block.used and block.kept in {0, part} and self._is_cut(block, part):
                return self._take(block)
        return None

    def _is_cut(self, block: Block, part: int) -> bool:
        """Cut a block on which nothing runs; return False while it is not known where."""
        if part < block.size:
            if part not in block.corners:
                block.corners[part] = None
                self._send(Errand(CORNERS, block.name, part))
            if block.corners[part] is None:
                return False
        block.recut(part)
        return True

    def _take(self, block: Block) -> int:
        name = block.free.pop()
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.nodes)
            self.nodes.append(Node(number, Spot(name, 1)))
        self._block_of[number] = block
        block.used.add(number)
        return number

    def _keep_blocks(self, kind: Kind) -> None:
        """Let nothing else begin on blocks that tasks of a kind shall have, which are cut otherwise as yet."""
        size = self._size_for(kind.want.nodes)
        if size is None:
            return
        part = parts_of(kind.want.nodes, size) or size
        blocks = [block for block in self.blocks.values() if block.state == UP and block.size == size]
        wanted = ceil(len(kind.queue) * part / size) - sum(block.cut == part for block in blocks)
        others = [block for block in blocks if block.used and block.cut != part and not block.kept]
        for block in sorted(others, key=lambda each: len(each.used) * each.cut)[: max(0, wanted)]:
            block.kept = part

    # ------------------------------------------------------------ which blocks there are

    def _demand(self) -> dict[int, float]:
        """Return how many blocks of each size what waits would fill, those first that go first."""
        found: dict[int, float] = {}
        kinds = sorted(self._waiting_kinds(), key=lambda kind: (-kind.want.priority, -kind.want.nodes))
        for kind in kinds:
            size = self._size_for(kind.want.nodes)
            if size is not None:
                part = parts_of(kind.want.nodes, size) or size
                found[size] = found.get(size, 0.0) + len(kind.queue) * part / size
        return found

    def _missing(self, size: int) -> int:
        """Return how many blocks of a size more could be used."""
        blocks = [block for block in self.blocks.values() if block.is_live and block.size == size]
        parts = {parts_of(kind.want.nodes, size) or size for kind in self._waiting_kinds()}
        room = sum(max((block.room(part) for part in parts), default=0.0) for block in blocks)
        return max(0, ceil(self._demand().get(size, 0.0) - room - _LEAST))

    def _reshape(self, now: float) -> None:
        """Boot blocks where tasks have none, and free those that stand in the way and are not wanted."""
        if self._boots and now >= self._next_boot:
            self._next_boot = now + self._apart
            self._send(Errand(BOOT, self._boots.popleft()))
        if self._boots or any(errand.kind != CORNERS for errand in self._under_way) or self.failure:
            return
        if self.rules.at_once is not None and self._launched() >= self.rules.at_once:
            return
        needed = [size for size in self._demand() if self._missing(size)]
        for size in needed:
            if self._asked.get(size) != self._version and now >= self._next_list:
                self._send(Errand(LIST, self.partition, size))
                return
        for size in needed:
            if self._free_idle(size, now):
                return

    def _free_idle(self, size: int, now: float) -> bool:
        """Free blocks that nothing wants, for one of another size; return whether there were any."""
        wanted = self._demand()
        there = any(block.is_live and block.size == size for block in self.blocks.values())
        found = False
        for block in self.blocks.values():
            unwanted = block.is_idle and block.ours and block.size not in wanted and block.size != size
            if unwanted and (not there or now - block.idle_since >= _IDLE):
                block.state = FREEING
                self._send(Errand(FREE, block.name))
                found = True
        return found
