"""Reports as files and pages: tables that people download, plots, the directory in which they lie.

Belongs here: writing and serving files, drawing.
Not here: what a report says (the rooms that make it); this room knows no database.
"""
