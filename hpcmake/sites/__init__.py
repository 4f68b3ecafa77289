"""Sites: machines that are described by files, those that come with hpcmake and those of the user.

Owns how such a file is found, read and merged with others of its name.  Knows nothing of schedulers and plans.
"""

from __future__ import annotations

from hpcmake.sites.loader import Known, find_sites, read_site, read_sites, require

__all__ = ["Known", "find_sites", "read_site", "read_sites", "require"]
