"""From the words of the command line to an exit status; nothing else.

Owns that every end is told: mistakes without a traceback, faults of ours with one.  Knows nothing of what verbs do.
"""

from __future__ import annotations

import os
import sys

from hpcmake.diagnostics import Trouble, plain, render_all
from hpcmake.options import Arguments, parse_arguments, render_help
from hpcmake.terminal import has_color

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

BUG, INTERRUPTED = 70, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run hpcmake; return its exit status: 0, 1, 2, 3, 70 or 130 (see the documentation of the command line)."""
    arguments: Arguments | None = None
    _let_any_name_through()
    sys.setrecursionlimit(20_000)  # brackets may be nested 200 deep, and each level takes several calls
    try:
        arguments = parse_arguments(sys.argv[1:] if argv is None else argv)
        return _run(arguments)
    except Trouble as trouble:
        return tell_trouble(trouble, as_json=arguments is not None and arguments.flag("json"))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # whoever read our output has gone, as `head` does: there is nobody left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001  # the last place that can tell of a fault
        from traceback import print_exc

        print_exc()
        sys.stderr.write(
            "hpcmake: this is a fault of hpcmake, not of your Wfile; please report it with the lines above\n"
        )
        return BUG


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
