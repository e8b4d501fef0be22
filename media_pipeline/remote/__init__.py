"""Cloudinary as the rest of the system sees it.

Belongs here: the client, the calls it knows, what its answers mean.
Not here: any database; who may spend calls (``budget``); when something is read or written (the rooms).

Import from the modules: ``remote.client`` loads the official SDK, ``remote.calls`` and ``remote.payloads`` do not.
"""
