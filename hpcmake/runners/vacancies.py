"""Which nodes may have room for what waits, so that nobody looks at all of them when one thing has changed.

Owns what is known of nodes since they were looked at last.  Knows nothing of what waits, nor of how it is chosen.
"""

from __future__ import annotations

from collections import OrderedDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpcmake.choose import Want
    from hpcmake.runners.nodes import Node


class Vacancies:
    """Nodes where something has changed are looked at; where nothing fits that waits, they rest until that changes."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.served: OrderedDict[int, Node] = OrderedDict()
        """Those to look at on which a node program runs."""
        self.unserved: dict[int, Node] = {node.number: node for node in nodes}
        """Those to look at on which none runs."""
        self.idle = dict(self.unserved)
        """Those that nothing was given to."""
        self._resting: dict[tuple[float, ...], dict[int, Node]] = {}
        """Those where nothing fits, by what is free there."""

    def notice(self, node: Node) -> None:
        """Something has changed on a node: it is to be looked at."""
        self._rouse(node)
        number = node.number
        if not node.given and node.wide is None:
            self.idle[number] = node
        if node.launch is None:
            self.served.pop(number, None)
            self.unserved[number] = node
        else:
            self.unserved.pop(number, None)
            self.served[number] = node

    def rest(self, node: Node) -> None:
        """A node was looked at, and nothing that waits fits there."""
        self.served.pop(node.number, None)
        self.unserved.pop(node.number, None)
        self._rouse(node)
        node.rests = free = (node.cores, node.memory, node.gpus)
        self._resting.setdefault(free, {})[node.number] = node

    def fill(self, node: Node) -> None:
        """A node is idle no more."""
        self.idle.pop(node.number, None)

    def leave_out(self, node: Node) -> None:
        """A node is not to be looked at until something changes there."""
        self._rouse(node)
        self.served.pop(node.number, None)
        self.unserved.pop(node.number, None)
        self.idle.pop(node.number, None)

    def wake(self, want: Want) -> None:
        """Something waits of which there was nothing before: look at the nodes where it fits."""
        for free in list(self._resting):
            cores, memory, gpus = free
            if want.cores <= cores and want.memory <= memory and want.gpus <= gpus:
                for node in self._resting.pop(free).values():
                    node.rests = None
                    self.notice(node)

    def wake_below(self, load: float) -> None:
        """More may wait on nodes than before: look at those that have less than a load."""
        resting = [node for nodes in self._resting.values() for node in nodes.values() if node.load < load]
        for node in resting:
            self.notice(node)

    def wake_all(self, nodes: Iterable[Node]) -> None:
        """Something else may begin on nodes than before."""
        for node in nodes:
            if node.rests is not None:
                self.notice(node)

    def has_room(self) -> bool:
        """Return whether cores are free where nothing fits that waits."""
        return any(free[0] > 0 for free in self._resting)

    def _rouse(self, node: Node) -> None:
        if node.rests is None:
            return
        alike = self._resting[node.rests]
        del alike[node.number]
        if not alike:
            del self._resting[node.rests]
        node.rests = None
