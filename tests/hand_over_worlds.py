"""Worlds in which jobs hand over, and all that can happen in them: an exhaustive search for tests.

A world has jobs that end together, at most one driver in the foreground, and work: piece *i* can be submitted when job
*i* has said how it ended, the last piece when all have.  At any moment any one of them does its next act, is killed, or
`stop` is written; or the lease of who slept is taken over.  Where files are seen late, each is shown to others at some
later moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hpcmake.jobs import hand_over
from hpcmake.jobs.hand_over import LEFT, LOOK, RELEASE, STEP, TAKE, HandOver, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNS, ENDS, GONE, KILLED = range(4)
"""What an actor is about: it has not said yet how it ended; it hands over; it has left; it was killed."""

PLAN, INTEND, READ_STOP, READ_LEASE, SUBMIT = range(5)
"""The acts of a step."""

FREE = -1
"""Nobody has the lease."""

RELEASED = ("release",)
"""That the lease was released, as a thing that others may not see yet."""


class Actor(NamedTuple):
    """A job, or a driver: what comes next, and what it remembers."""

    phase: int = RUNS
    turn: tuple[str, int | None, str] = (TAKE, None, hand_over.DONE)
    act: int = PLAN
    todo: tuple[int, ...] = ()
    awaits: frozenset[tuple[object, ...]] = frozenset()
    saw_stop: bool = False
    late: bool = False
    generation: int = 0
    rounds: int = 0


class Order(NamedTuple):
    """A job that was, or is about to be, submitted.

    `i` is an intent alone, `q` in the queue; `v` an intent that was made void by who took over, `V` a job in the queue
    whose key is void, so that it does no work.
    """

    piece: int
    actor: int
    number: int
    generation: int
    state: str


class World(NamedTuple):
    actors: tuple[Actor, ...]
    holder: int = FREE
    rings: int = 0
    said: frozenset[int] = frozenset()
    hidden: frozenset[tuple[object, ...]] = frozenset()
    orders: tuple[Order, ...] = ()
    stop: bool = False
    generation: int = 0
    orphan: bool = False
    """Somebody was killed who may have been relied on, and nobody has taken the lease since."""
    sleeps: int = 0


class Rules(NamedTuple):
    """What can happen, and how it is done."""

    jobs: int
    driver: bool = False
    rounds: int = 1
    """How often the driver may plan once more before it leaves."""
    watcher: bool = False
    killed: bool = True
    jobs_killed: bool = True
    """Else only the driver is."""
    stopped: bool = True
    sleeps: int = 0
    late: bool = False
    bells: bool = True
    settles: bool = True
    """Who takes the lease, or was rung for, waits until what was written before is seen."""
    spares: bool = True
    """What was intended under a later lease than one's own is left alone."""
    forgives: bool = True
    """Work may be left by the death of who was relied on, if nobody takes the lease after it."""
    strict_stop: bool = False
    """After `stop` was written, each job may submit one thing at most: that for which it had read before."""
    acts: tuple[int, ...] = (INTEND, READ_STOP, READ_LEASE, SUBMIT)
    advance: Callable[[Turn, HandOver], Turn] = hand_over.advance


class Broken(AssertionError):
    """A law does not hold: `path` are the acts that lead there."""

    def __init__(self, law: str, path: list[str]) -> None:
        super().__init__(f"{law}: {', '.join(path)}")
        self.law = law
        self.path = path


class Doors:
    """The doors of one actor, which change a world."""

    def __init__(
        self, rules: Rules, world: World, me: int, *, overtakes: bool = False, sees_late: bool = False
    ) -> None:
        self.rules = rules
        self.world = world
        self.me = me
        self.overtakes = overtakes
        self.sees_late = sees_late
        self.broken = ""

    def take(self) -> bool:
        world = self.world
        if (world.holder != FREE or self.sees_late) and not self.overtakes:
            self.world = world._replace(rings=world.rings + (world.holder != FREE and self.rules.bells))
            return False
        hidden = world.hidden - {RELEASED}
        generation = world.generation + (self.rules.sleeps > 0)  # else it makes no difference
        self.world = world._replace(holder=self.me, rings=0, orphan=False, hidden=hidden, generation=generation)
        self.remember(generation=generation)
        if self.rules.settles:
            self.remember(awaits=hidden)
        return True

    def statuses(self) -> object:
        return sum(1 << each for each in self.visible())

    def is_stopped(self) -> bool:
        if self.world.stop:
            self.remember(saw_stop=True)
        return self.world.stop

    def holds(self) -> bool:
        return self.world.holder == self.me

    def release(self) -> bool:
        world = self.world
        if world.holder != self.me:
            return True
        if world.rings:
            self.world = world._replace(rings=0)
            if self.rules.settles:
                self.remember(awaits=world.hidden)
            return False
        hidden = world.hidden | {RELEASED} if self.rules.late else world.hidden
        self.world = world._replace(holder=FREE, hidden=hidden)
        return True

    def step(self) -> bool:
        actor = self.world.actors[self.me]
        acts = self.rules.acts
        if actor.act == PLAN:
            todo = self.plan()
            self.remember(act=1 if todo else PLAN, todo=todo)
            return not todo
        act = acts[actor.act - 1]
        go_on = True
        if act == INTEND:
            number = sum(each.actor == self.me for each in self.world.orders)
            self.order(Order(actor.todo[0], self.me, number, actor.generation, "i"))
        elif act == READ_STOP:
            go_on = not self.is_stopped()
        elif act == READ_LEASE:
            go_on = self.holds()
        else:
            self.submit(actor.todo[0])
            self.remember(todo=actor.todo[1:])
        last = actor.act == len(acts)
        done = not go_on or (last and not actor.todo[1:])
        self.remember(act=PLAN if done else 1 if last else actor.act + 1)
        if done:
            self.remember(todo=())
        return done

    # ------------------------------------------------------------ what is behind them

    def remember(self, **changes: Any) -> None:
        actors = list(self.world.actors)
        actors[self.me] = actors[self.me]._replace(**changes)
        self.world = self.world._replace(actors=tuple(actors))

    def visible(self) -> list[int]:
        world = self.world
        return [each for each in sorted(world.said) if each == self.me or ("status", each) not in world.hidden]

    def plan(self) -> tuple[int, ...]:
        """Return what can be submitted as this actor sees it; make void what was intended and is not in the queue."""
        orders = []
        gone = set()
        for each in self.world.orders:
            seen = each.actor == self.me or ("order", each.actor, each.number) not in self.world.hidden
            late = each.generation > self.world.actors[self.me].generation and self.rules.spares
            void = seen and each.state == "i" and not late
            if seen and not void and each.state in "iq":
                gone.add(each.piece)
            orders.append(each._replace(state="v") if void else each)
        self.world = self.world._replace(orders=tuple(orders))
        return tuple(each for each in possible(self.rules, self.world, set(self.visible())) if each not in gone)

    def order(self, order: Order) -> None:
        hidden = self.world.hidden | {("order", order.actor, order.number)} if self.rules.late else self.world.hidden
        self.world = self.world._replace(orders=(*self.world.orders, order), hidden=hidden)

    def submit(self, piece: int) -> None:
        world = self.world
        mine = max(each for each in world.orders if (each.piece, each.actor) == (piece, self.me))
        after = mine._replace(state={"i": "q", "v": "V"}[mine.state])
        self.world = world._replace(orders=tuple(after if each == mine else each for each in world.orders))
        does_work = "qV" if not self.rules.sleeps else "q"
        if sum(each.piece == piece and each.state in does_work for each in self.world.orders) > 1:
            self.broken = "a piece was submitted twice"
        if world.actors[self.me].saw_stop:
            self.broken = "something was submitted after `stop` was seen"
        if world.stop and self.rules.strict_stop:
            if world.actors[self.me].late:
                self.broken = "something was submitted after `stop` was written, and could have been read"
            self.remember(late=True)


def possible(rules: Rules, world: World, said: set[int]) -> list[int]:
    """Return the pieces of work that can be submitted when these jobs have said how they ended."""
    if rules.watcher:  # whoever polls also learns which were killed
        said = said | {each for each in range(rules.jobs) if world.actors[each].phase == KILLED}
    return [each for each in range(rules.jobs) if each in said] + [rules.jobs] * (len(said) >= rules.jobs)


# ---------------------------------------------------------------- what can happen


def first_world(rules: Rules) -> World:
    actors = [Actor()] * (rules.jobs + rules.watcher)
    if not rules.driver:
        return World(tuple(actors), sleeps=rules.sleeps)
    driver = Actor(ENDS, (LOOK, None, hand_over.DONE), rounds=rules.rounds)
    return World((*actors, driver), holder=len(actors), sleeps=rules.sleeps)


def happenings(rules: Rules, world: World) -> Iterator[tuple[str, World, str]]:
    """Yield what moves on in a world: what it is, the world after it, and the law that it breaks, if any."""
    for me, actor in enumerate(world.actors):
        if actor.phase == RUNS:
            if me >= rules.jobs:  # a watcher: it starts when all others have ended, in whatever way
                if all(each.phase >= GONE for each in world.actors[: rules.jobs]):
                    yield f"{me} starts", _with(world, me, actor._replace(phase=ENDS)), ""
                continue
            hidden = world.hidden | {("status", me)} if rules.late else world.hidden
            after = _with(world, me, actor._replace(phase=ENDS))
            yield f"{me} writes", after._replace(said=world.said | {me}, hidden=hidden), ""
        elif actor.phase == ENDS:
            yield from _acts(rules, world, me)
    if world.holder != FREE and world.actors[world.holder].phase == KILLED:
        yield "the lease of the dead is free", world._replace(holder=FREE, rings=0), ""
    for thing in sorted(world.hidden, key=str):
        yield f"{thing} is seen", world._replace(hidden=world.hidden - {thing}), ""


def _acts(rules: Rules, world: World, me: int) -> Iterator[tuple[str, World, str]]:
    actor = world.actors[me]
    at = actor.turn[0]
    if actor.awaits & world.hidden:
        return
    if actor.awaits:
        world = _with(world, me, actor._replace(awaits=frozenset()))
    if at == TAKE and world.holder != FREE:
        if world.actors[world.holder].phase == KILLED:
            return  # it waits until that is sure
        if world.sleeps:
            yield _do(Doors(rules, world._replace(sleeps=world.sleeps - 1), me, overtakes=True), "overtakes")
    if at == TAKE and world.holder == FREE and RELEASED in world.hidden and not rules.bells:
        yield _do(Doors(rules, world, me, sees_late=True), "sees an old lease")
    if at == RELEASE and actor.rounds:
        yield (
            f"{me} drives on",
            _with(world, me, actor._replace(turn=(LOOK, None, hand_over.DONE), rounds=actor.rounds - 1)),
            "",
        )
    yield _do(Doors(rules, world, me), at)


def _do(doors: Doors, what: str) -> tuple[str, World, str]:
    me = doors.me
    actor = doors.world.actors[me]
    if actor.turn[0] == STEP:
        what = "plans" if actor.act == PLAN else f"act {doors.rules.acts[actor.act - 1]} of piece {actor.todo[0]}"
    turn = doors.rules.advance(Turn(*actor.turn), doors)
    doors.world = doors.world._replace(orders=_tidy(doors.rules, doors.world.orders))
    doors.remember(turn=(turn.at, turn.seen, turn.why))
    if turn.at == LEFT:
        doors.remember(phase=GONE, turn=Actor().turn, awaits=frozenset(), rounds=0)
    return f"{me} {what}", doors.world, doors.broken


def mishaps(rules: Rules, world: World) -> Iterator[tuple[str, World]]:
    """Yield what may befall a world at this moment."""
    if rules.stopped and not world.stop:
        yield "stop is written", world._replace(stop=True)
    for me, actor in enumerate(world.actors):
        mortal = rules.jobs_killed if me < rules.jobs else not rules.watcher
        if rules.killed and mortal and actor.phase < GONE:
            after = _with(world, me, Actor(KILLED))
            yield f"{me} is killed", after._replace(orphan=world.orphan or actor.phase == ENDS)


def _with(world: World, me: int, actor: Actor) -> World:
    actors = list(world.actors)
    actors[me] = actor
    return world._replace(actors=tuple(actors))


def _tidy(rules: Rules, orders: tuple[Order, ...]) -> tuple[Order, ...]:
    """Forget what makes no difference any more, so that fewer worlds differ."""
    if rules.sleeps or rules.late:
        return tuple(sorted(orders))
    submitted = (Order(each.piece, FREE, 0, 0, "q") for each in orders if each.state == "q")
    return tuple(sorted((*submitted, *(each for each in orders if each.state == "i"))))


# ---------------------------------------------------------------- the search


def explore(rules: Rules) -> int:
    """Look at all that can happen, and return how many different worlds there are.  Raises Broken."""
    start = first_world(rules)
    path: list[str] = []
    is_open = {start: True}  # of all that were seen: whether it is on the way to where we are
    rest = [_followers(rules, start, path)]
    trail = [start]
    while rest:
        following = next(rest[-1], None)
        if following is None:
            rest.pop()
            is_open[trail.pop()] = False
            if path:
                path.pop()
            continue
        what, world, broken = following
        if broken:
            raise Broken(broken, [*path, what])
        known = is_open.get(world)
        if known:
            raise Broken("it goes round for ever", [*path, what])
        if known is None:
            is_open[world] = True
            trail.append(world)
            path.append(what)
            rest.append(_followers(rules, world, path))
    return len(is_open)


def _followers(rules: Rules, world: World, path: list[str]) -> Iterator[tuple[str, World, str]]:
    if all(each.phase >= GONE for each in world.actors):
        _check_end(rules, world, path)
        return
    count = 0
    for each in happenings(rules, world):
        count += 1
        yield each
    if not count:
        raise Broken("somebody waits for ever", path)
    for what, after in mishaps(rules, world):
        yield what, after, ""


def _check_end(rules: Rules, world: World, path: list[str]) -> None:
    if world.stop or (world.orphan and rules.forgives and not rules.watcher):
        return
    missing = set(possible(rules, world, set(world.said))) - {each.piece for each in world.orders if each.state == "q"}
    if missing:
        raise Broken("work was left unsubmitted", path)
