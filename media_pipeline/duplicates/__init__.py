"""Assets with the same bytes.

Belongs here: reading the digests of assets that may be equal, which listings do not carry.
Not here: showing them (``reads``), deleting anything.
"""
