"""How Sphinx builds this documentation: `./check` does it with warnings as errors."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from sphinx.highlighting import lexers  # noqa: E402  # after the path is set
from wfile_lexer import WfileLexer  # noqa: E402

from hpcmake import __version__  # noqa: E402

project = "hpcmake"
author = "hpcmake authors"
copyright = author
release = version = __version__

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["deflist", "smartquotes"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"hpcmake {release}"

lexers["wfile"] = lexers["wfile-wrong"] = WfileLexer()
