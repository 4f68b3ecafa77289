"""From the words of the command line to an exit status; nothing else.

Owns that every end is told: mistakes without a traceback, faults of ours with one.  Knows nothing of what verbs do.
"""

from __future__ import annotations

import os
import sys
from errno import EDQUOT, EFBIG, EIO, ENOSPC

from hpcmake.diagnostics import Trouble, plain, render_all
from hpcmake.options import Arguments, parse_arguments, render_help
from hpcmake.terminal import has_color

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

UNWRITTEN, BUG, INTERRUPTED = 2, 70, 130

_UNWRITTEN = frozenset({ENOSPC, EDQUOT, EFBIG, EIO})
"""What a full disk behind `>` answers."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run hpcmake; return its exit status: 0, 1, 2, 3, 70 or 130 (see the documentation of the command line)."""
    arguments: Arguments | None = None
    _open_what_is_closed()
    _let_any_name_through()
    sys.setrecursionlimit(20_000)  # brackets may be nested 200 deep, and each level takes several calls
    try:
        arguments = parse_arguments(sys.argv[1:] if argv is None else argv)
        status = _run(arguments)
        sys.stdout.flush()
        return status  # noqa: TRY300  # a refusal to write is told below
    except Trouble as trouble:
        return tell_trouble(trouble, as_json=arguments is not None and arguments.flag("json"))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # whoever read our output has gone, as `head` does: there is nobody left to tell
        _drop_output()
        return 0
    except Exception as problem:  # noqa: BLE001  # the last place that can tell of a fault
        if isinstance(problem, OSError) and problem.filename is None and problem.errno in _UNWRITTEN:
            _drop_output()
            sys.stderr.write(f"hpcmake: cannot write its output: {os.strerror(problem.errno or 0).lower()}\n")
            return UNWRITTEN
        from traceback import print_exc

        print_exc()
        sys.stderr.write(
            "hpcmake: this is a fault of hpcmake, not of your Wfile; please report it with the lines above\n"
        )
        return BUG


def _open_what_is_closed() -> None:
    """Open standard streams that are closed: a file of ours would else take their number, and be written to as them."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def _drop_output() -> None:
    """Let what is still to be written go nowhere, so that the end of the process does not fail over it again."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def _let_any_name_through() -> None:
    """Let names of files that are not text be printed as the bytes they are, and nothing fail for want of a letter."""
    for stream in (sys.stdout, sys.stderr):
        utf8 = (getattr(stream, "encoding", "") or "").lower().replace("-", "") == "utf8"
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="surrogateescape" if utf8 else "backslashreplace")


def tell_trouble(trouble: Trouble, *, as_json: bool) -> int:
    """Show mistakes; return the exit status."""
    if as_json:
        from json import dumps

        for row in plain(trouble.diagnostics):
            sys.stdout.write(dumps(row, separators=(",", ":")) + "\n")
    else:
        sys.stderr.write(render_all(trouble.diagnostics, color=has_color(sys.stderr)))
    return trouble.exit_status


def _run(arguments: Arguments) -> int:
    if arguments.flag("version"):
        from hpcmake import __version__

        sys.stdout.write(f"hpcmake {__version__}\n")
        return 0
    if arguments.flag("help"):
        sys.stdout.write(render_help(arguments.verb))
        return 0
    if arguments.flag("complete_targets"):
        from hpcmake.app.wfiles import list_targets

        return list_targets(arguments)
    if arguments.verb == "run":
        from hpcmake.app.run import run

        return run(arguments)
    from hpcmake.app.verbs import call_verb

    return call_verb(arguments)


if __name__ == "__main__":
    sys.exit(main())
