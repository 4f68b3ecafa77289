"""A campaign as jobs in a scheduler's queue: planned, packed, submitted, watched, and planned again.

Owns how a campaign is driven through a queue, by whoever has its lease.  Knows nothing of any one scheduler.
"""
