"""The outside world: each runner turns attempts into events.

Owns how work reaches a machine.  Knows nothing of rules, plans and journals.
"""
