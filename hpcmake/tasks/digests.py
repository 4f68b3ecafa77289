"""Short names for values: of definitions of rules, and of sets of files.

Owns how they are made.  Knows nothing of what they name.
"""

from __future__ import annotations

MAKES = "~makes"
"""The part of a definition that says which files a rule makes: it is written down, and not compared."""


def digest_of(value: object) -> str:
    """Return a short name for a value that JSON knows."""
    from json import dumps

    try:
        from _blake2 import blake2b  # hashlib brings OpenSSL along, which takes longer than a plan
    except ImportError:
        from hashlib import blake2b
    if isinstance(value, dict) and MAKES in value:
        value = {name: each for name, each in value.items() if name != MAKES}
    text = dumps(value, sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()
