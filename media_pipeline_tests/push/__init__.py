"""Edits made here, on their way to Cloudinary."""
