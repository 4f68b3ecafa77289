"""The verbs that are written: each finds its function here.

Owns which function a verb is.  Knows nothing of what they do.
"""

from __future__ import annotations

import sys

from hpcmake.app.usage import usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.options import Arguments


def call_verb(arguments: Arguments) -> int:
    """Do what a verb says; return the exit status.  Raises Trouble."""
    verb = arguments.verb
    if verb == "why":
        from hpcmake.app.why import why

        return why(arguments)
    if verb in {"ls", "log"}:
        from hpcmake.app import listing

        return {"ls": listing.ls, "log": listing.log}[verb](arguments)
    if verb == "status":
        from hpcmake.app.status import status

        return status(arguments)
    if verb == "graph":
        from hpcmake.app.graphs import graph

        return graph(arguments)
    if verb == "script":
        from hpcmake.app.script import script

        return script(arguments)
    if verb == "stop":
        from hpcmake.app.stopping import stop

        return stop(arguments)
    if verb == "clean":
        from hpcmake.app.cleaning import clean

        return clean(arguments)
    if verb in {"fmt", "check"}:
        from hpcmake.app import wfiles

        return {"fmt": wfiles.fmt, "check": wfiles.check}[verb](arguments)
    if verb == "sites":
        from hpcmake.app.sites import sites

        return sites(arguments)
    if verb == "testbed":
        from hpcmake.app.testbed import testbed

        return testbed(arguments)
    from hpcmake.completion import render_completion
    from hpcmake.options import OPTIONS, VERBS

    if len(arguments.words) != 1 or arguments.words[0] not in {"bash", "zsh", "fish"}:
        raise usage(
            "say for which shell: `hpcmake completion bash`, `zsh` or `fish`",
            " ".join(["completion", *arguments.words]),
        )
    sys.stdout.write(render_completion(arguments.words[0], [each for each in OPTIONS if not each.hidden], VERBS))
    return 0
