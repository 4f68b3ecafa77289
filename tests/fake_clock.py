"""A clock for tests of what waits: nothing here knows for what."""

from collections.abc import Callable


class FakeClock:
    """Time that passes only when somebody waits, and then does something."""

    def __init__(self, on_sleep: Callable[[], object] = lambda: None) -> None:
        self.time = 1000.0
        self.on_sleep = on_sleep

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.on_sleep()
