"""Every read that a person sees.

Belongs here: reads of the database, shaped for people; each one statement or a few.
Not here: asking the cloud (``remote``), how it is printed (``cli``), decisions of any kind.
"""
