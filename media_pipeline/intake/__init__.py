"""Notifications on their way in: received, proved, kept on disk before anybody says yes to them.

Belongs here: the receiver of webhooks, the proof of a signature, the spool of change files.
Not here: polling (``polling``), what a notification means for an asset (``mirror``).
"""
