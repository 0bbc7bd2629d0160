"""Meta's Marketing API as the flows need it, in halves: what reads, and what writes.

Every failure is one of the Meta errors of ``domain.errors``.
"""
