"""Text of Wfiles to syntax trees, and back to text in canonical form.

Owns the grammar and all that reads by it; `parse.parse`, `cache.parse_cached` and `format.render` are the doors.
Knows nothing of what a tree means.
"""
