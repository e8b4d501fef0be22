"""Refusals in Cloudinary's words: a status and a message, answered as ``{"error": {"message": …}}``.

Belongs here: one constructor for each refusal that several callers share. Not here: HTML answers of unknown routes.
"""

from __future__ import annotations


class ApiError(Exception):
    """A refusal the caller sees, with its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class StartRefused(RuntimeError):
    """The emulator must not run here: a public address, production, or a state in use or of another version."""


def bad_request(message: str) -> ApiError:
    """A 400 with its own words."""
    return ApiError(400, message)


def missing(parameter: str) -> ApiError:
    """The 400 for a parameter that must be there."""
    return ApiError(400, f"Missing required parameter - {parameter}")


def invalid_value(value: object, parameter: str) -> ApiError:
    """The 400 for a parameter with a wrong value."""
    return ApiError(400, f"Invalid value {value} for parameter {parameter}")


def unauthorized(message: str) -> ApiError:
    """A 401 with its own words."""
    return ApiError(401, message)


def asset_not_found(name: str) -> ApiError:
    """The 404 for an asset, named as the caller named it."""
    return ApiError(404, f"Resource not found - {name}")


def folder_not_found(path: str) -> ApiError:
    """The 404 for a folder."""
    return ApiError(404, f"Can't find folder with path {path}")
