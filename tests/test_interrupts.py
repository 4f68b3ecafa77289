"""Signals that ask a run to end: what they do while it is leaving."""

import subprocess
import sys
import textwrap

import pytest

LEAVES = """
    import os, signal
    from hpcmake.app.interrupts import Interrupts

    class Last:
        kill, signal, own = os.kill, signal.{name}, os.getpid()

        def __del__(self):
            self.kill(self.own, self.signal)  # while modules are cleared, long after all handlers are gone

    last = Last()
    {stay}
    """


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_who_stays_ends_with_its_own_status_however_late_a_signal_comes(name: str) -> None:
    def leave(stay: str) -> int:
        program = textwrap.dedent(LEAVES).format(name=name, stay=stay)
        return subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode

    assert leave("Interrupts().stay()") == 0
    assert leave(f"signal.signal(signal.{name}, lambda *_: None)") != 0, "one that is only caught ends it"
