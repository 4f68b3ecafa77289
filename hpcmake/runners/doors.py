"""What lies around the runner of an allocation: the clock, the launches, and the wait for either.

Owns the descriptors that are waited for.  Knows nothing of what is said over them.
"""

from __future__ import annotations

import os
import select
import time

from hpcmake.runners.alarm import Alarm
from hpcmake.runners.channels import MailboxChannel, PipeChannel
from hpcmake.runners.local import find_node, name_run
from hpcmake.runners.process import MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol

    from hpcmake.runners.channels import Channel
else:
    Protocol = object


class Doors(Protocol):
    """The outside of a runner of an allocation; a simulation is another one."""

    def now(self) -> float:
        """Return the seconds of a clock that never goes back."""

    def host(self, start: Mapping[str, object]) -> Channel:
        """Start the node program on this machine."""

    def serve(self, nodes: Sequence[str], start: Mapping[str, object]) -> Channel:
        """Start node programs on nodes, by one launch.  Raises OSError."""

    def wait(self, seconds: float | None) -> bool:
        """Wait until one of the channels has something to read or has ended, or until a signal comes (True)."""

    def ready(self) -> list[Channel]:
        """Return the channels of which the last wait has told."""

    def rest(self, channel: Channel) -> None:
        """Wait for a channel no more, which has ended, though its process may not have."""

    def forget(self, channel: Channel) -> None:
        """Wait for a channel no more, and close it."""

    def close(self) -> None:
        """Let all go."""


class RealDoors:
    """Doors to real nodes.

    `launch` gives the command that starts a program once on each of some nodes; `mailbox` tells whether lines reach
    such a launch by a file, which is always so where it has several nodes; `folder` is a shared one for those files and
    for what launches say; `python` is the interpreter on the nodes.
    """

    def __init__(
        self,
        *,
        launch: Callable[[Sequence[str], Sequence[str]], Sequence[str]],
        folder: str,
        mark: str,
        mailbox: bool = False,
        python: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._launch = launch
        self._folder = folder
        self._mailbox = mailbox
        self._node = find_node(python)
        self._environment = {**(os.environ if environment is None else environment), MARK: mark + ":node"}
        self._name = name_run()
        self._count = 0
        self._poll = select.epoll()
        self._channels: dict[int, PipeChannel] = {}
        self._full: dict[int, PipeChannel] = {}
        self._stuck: dict[int, PipeChannel] = {}
        """Channels that have found no room since the last wait."""
        self._ready: list[Channel] = []
        os.makedirs(folder, exist_ok=True)
        self._alarm = Alarm()
        if self._alarm.fileno() >= 0:
            self._poll.register(self._alarm, select.EPOLLIN)

    def now(self) -> float:
        """Return the seconds of a clock that never goes back."""
        return time.monotonic()

    def host(self, start: Mapping[str, object]) -> Channel:
        """Start the node program on this machine.  Raises OSError."""
        channel = PipeChannel(find_node(), environment=self._environment, remarks=self._path("host"))
        channel.pipe.say(start)
        return self._take(channel)

    def serve(self, nodes: Sequence[str], start: Mapping[str, object]) -> Channel:
        """Start node programs on nodes, by one launch.  Raises OSError."""
        self._count += 1
        name = self._path(str(self._count))
        if len(nodes) == 1 and not self._mailbox:
            argv = find_argv(self._launch(nodes, self._node), self._environment)
            channel = PipeChannel(argv, environment=self._environment, remarks=name)
            channel.pipe.say(start)
            return self._take(channel)
        mailbox = name + ".mail"
        argv = find_argv(self._launch(nodes, [*self._node, os.path.abspath(mailbox)]), self._environment)
        return self._take(
            MailboxChannel(
                argv, environment=self._environment, remarks=name, mailbox=mailbox, start=start, ranks=len(nodes)
            )
        )

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, f"{self._name}.{name}.launch")

    def _take(self, channel: PipeChannel) -> Channel:
        self._channels[channel.fileno()] = channel
        channel.stuck = self._stuck
        if channel.is_full:
            self._stuck[channel.pipe.process.stdin] = channel
        self._poll.register(channel.fileno(), select.EPOLLIN)
        return channel

    def wait(self, seconds: float | None) -> bool:
        """Wait until one of the channels has something to read or has ended, or until a signal comes (True)."""
        for number, channel in self._stuck.items():
            if channel.is_full and channel.pipe.process.stdin == number and number not in self._full:
                self._full[number] = channel
                self._poll.register(number, select.EPOLLOUT)
        self._stuck.clear()
        self._full = {number: each for number, each in self._full.items() if each.pipe.process.stdin == number}
        self._ready = []
        signaled = False
        for number, _ in self._poll.poll(-1 if seconds is None else seconds):
            if number in self._channels:
                self._ready.append(self._channels[number])
            elif number in self._full:
                channel = self._full[number]
                channel.flush()
                if not channel.is_full:
                    self._poll.unregister(number)
                    del self._full[number]
            else:
                signaled = True
                self._alarm.heed()
        return signaled

    def ready(self) -> list[Channel]:
        """Return the channels of which the last wait has told."""
        return self._ready

    def rest(self, channel: Channel) -> None:
        """Wait for a channel no more, which has ended, though its process may not have."""
        if isinstance(channel, PipeChannel) and channel.fileno() in self._channels:
            self._poll.unregister(channel.fileno())
            del self._channels[channel.fileno()]

    def forget(self, channel: Channel) -> None:
        """Wait for a channel no more, and close it."""
        if isinstance(channel, PipeChannel):
            self.rest(channel)
            stdin = channel.pipe.process.stdin
            if stdin in self._full:
                self._poll.unregister(stdin)
                del self._full[stdin]
        channel.close()

    def close(self) -> None:
        """Let all go."""
        for channel in list(self._channels.values()):
            self.forget(channel)
        self._poll.close()
        self._alarm.close()


def find_argv(words: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return a command with the path of its program.  Raises OSError if it is not on the PATH."""
    import shutil

    program = shutil.which(words[0], path=environment.get("PATH"))
    if program is None:
        raise FileNotFoundError(2, "No such file or directory", words[0])
    return [program, *words[1:]]
