"""The emulator: a stand-in for one Cloudinary product environment, for tests, demonstrations and offline work.

Belongs here: everything that answers in Cloudinary's place, and the control API that scripts trouble.
Not here: anything that knows the mirror; this package imports no other package of the project.
"""
