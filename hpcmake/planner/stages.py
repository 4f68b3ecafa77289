"""Which tasks have become ready, told by how many of each stage have ended.

Owns the bookkeeping of stages while jobs are forecast one after the other.  Knows nothing of nodes and time.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.planner.classes import TaskClass


class Progress:
    """How far a campaign is packed: of each class, how many tasks are in jobs, and how many were when the wave began.

    Jobs of one wave may run at the same time, so none may wait for another: a stage of which a sibling took a part does
    not end before the next wave.
    """

    def __init__(self, count: int) -> None:
        self.taken = [0] * count
        self.before = [0] * count

    def next_wave(self) -> None:
        """Let what follows wait for all that is packed so far."""
        self.before = list(self.taken)

    def copy(self) -> Progress:
        """Return a copy that may go its own way."""
        other = Progress(0)
        other.taken, other.before = list(self.taken), list(self.before)
        return other


class Waiting:
    """What is the same in every job: how many tasks each stage has, and which classes wait for it."""

    def __init__(self, classes: Sequence[TaskClass]) -> None:
        self.classes = classes
        self.counts = [each.count for each in classes]
        self.stages = [each.stage for each in classes]
        self.total: dict[int, int] = {}
        self.by_stage: dict[int, list[int]] = {}
        self.free = [number for number, each in enumerate(classes) if not each.needs and not each.follows]
        self.bound = [number for number, each in enumerate(classes) if each.needs or each.follows]
        for number, each in enumerate(classes):
            self.total[each.stage] = self.total.get(each.stage, 0) + each.count
            for stage in dict.fromkeys((*each.needs, *each.follows)):
                self.by_stage.setdefault(stage, []).append(number)


class Stages:
    """What is ready in one job, which begins when all earlier waves have ended."""

    def __init__(self, waiting: Waiting, progress: Progress) -> None:
        self.classes = waiting.classes
        self.total = waiting.total
        self.waiting = waiting
        self.released = list(progress.taken)
        """Of each class, how many tasks are ready, run or are in other jobs."""
        self.over = dict.fromkeys(waiting.total, 0)
        self.shared: set[int] = set()
        """Stages of which another job of the same wave has a part."""
        for stage, taken, before in zip(waiting.stages, progress.taken, progress.before, strict=True):
            if taken:
                self.over[stage] += before
                if taken > before:
                    self.shared.add(stage)
        self._news = False

    def begin(self) -> list[tuple[int, int]]:
        """Return the classes of which tasks are ready at the start, each with how many."""
        found = []
        for number in self.waiting.free:
            more = self.waiting.counts[number] - self.released[number]
            if more > 0:
                self.released[number] += more
                found.append((number, more))
        return found + self._look(self.waiting.bound)

    def ended(self, number: int, count: int) -> list[tuple[int, int]]:
        """Take note that tasks of a class have ended, and return what is ready by that."""
        stage = self.classes[number].stage
        self.over[stage] += count
        waiting = self.waiting.by_stage.get(stage)
        if not waiting:
            return []
        if stage in self.shared or self.over[stage] < self.total[stage]:
            followers = [each for each in waiting if stage in self.classes[each].follows]
            return self._look(followers) if followers and stage not in self.shared else []
        return self._look(waiting)

    def take_news(self) -> bool:
        """Tell whether anything has become ready since this was asked."""
        news, self._news = self._news, False
        return news

    def _look(self, numbers: Sequence[int]) -> list[tuple[int, int]]:
        found = []
        for number in numbers:
            each = self.classes[number]
            allowed = each.count
            if any(self.over.get(stage, 0) < self.total.get(stage, 0) for stage in each.needs):
                continue
            for stage in each.follows:
                total = self.total.get(stage, 0)
                if total:
                    allowed = min(allowed, each.count * self.over[stage] // total)
            more = allowed - self.released[number]
            if more > 0:
                self.released[number] = allowed
                self._news = True
                found.append((number, more))
        return found
