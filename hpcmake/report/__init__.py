"""What a run tells while it goes on: live bars, plain lines, JSON lines, silence; and a trace of what ran when.

Owns the voices and the choice among them.  Knows nothing of plans and runners: it is told rows, which are plain values.

A row is a mapping with a `kind` and values that JSON can hold.  The kinds: `start` (where, cores, memory, gpus, stale,
fresh, unknown, rules, expected), `began`, `done`, `failed`, `cut`, `fresh`, `gave up` (task, rule and what became of
it), `planned` (the plan has grown by these rules), `removed` (a file, and why), `note` and `warning` (text), `standing`
(a text: how jobs in a queue stand), `summary`.
"""

from __future__ import annotations

import os
import time

from hpcmake.report.trace import Trace
from hpcmake.report.voice import Voice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

__all__ = ["Trace", "Voice", "make_voice"]


def make_voice(
    *,
    json: bool,
    quiet: bool,
    verbose: bool,
    stream_out: TextIO,
    stream_err: TextIO,
    is_terminal: bool,
    color: bool,
    clock: Callable[[], float] = time.monotonic,
) -> Voice:
    """Return the voice for these wishes; `is_terminal` tells whether `stream_err` is one, `clock` counts seconds.

    JSON lines go to `stream_out`, all else to `stream_err`.  The methods of the voice raise OSError if the stream
    cannot be written to (a full disk); but if the reader of a pipe has left, or the terminal was closed, all is silent.
    """
    if json:
        from hpcmake.report.lines import JsonVoice

        return JsonVoice(stream_out, clock, errors_only=quiet)
    if is_terminal and not quiet and os.environ.get("TERM") not in {"dumb", "unknown"}:
        from hpcmake.report.live import LiveVoice

        return LiveVoice(stream_err, clock, color=color, verbose=verbose)
    from hpcmake.report.lines import PlainVoice, QuietVoice

    if quiet:
        return QuietVoice(stream_err, clock, color=color)
    return PlainVoice(stream_err, clock, color=color, verbose=verbose)
