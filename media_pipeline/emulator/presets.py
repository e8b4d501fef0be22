"""Upload presets: the ``/upload_presets`` resource, and what a preset makes of a call's parameters.

Belongs here: keeping presets, the rules of signed and unsigned calls. Not here: the upload itself, see uploads.
"""

from __future__ import annotations

from collections.abc import Callable

from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.encoding import parse_pairs, parse_tags
from media_pipeline.emulator.errors import bad_request
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.naming import random_public_id
from media_pipeline.emulator.params import Params
from media_pipeline.emulator.registered import Kind, Registered
from media_pipeline.emulator.transformations import info

_PRESETS = Kind("upload_presets", "Upload preset", "Can't find upload preset named")
# What a caller without credentials may say.
_UNSIGNED = (
    "upload_preset", "callback", "public_id", "public_id_prefix", "folder", "asset_folder", "tags", "context",
    "metadata", "face_coordinates", "custom_coordinates", "regions", "source", "filename_override",
    "manifest_transformation", "manifest_json", "template", "template_vars",
)  # fmt: skip
# What a call carries besides its parameters.
_CARRIED = frozenset({"file", "timestamp", "api_key"})
_PAIRS = ("context", "metadata")
_NOT_SETTINGS = frozenset({"name", "unsigned", "external_id", "timestamp"})
# Settings that are told in another form than that in which they came.
_FORMS: dict[str, Callable[[object], object]] = {
    "tags": parse_tags,
    "context": lambda value: parse_pairs(value, "context"),
    "transformation": lambda value: info(str(value)),
}


def listed(library: Library, params: Params) -> Document:
    """One page of presets, newest first."""
    found, following = _PRESETS.page(library, params)
    answer: Document = {"presets": [_shown(preset) for preset in found]}
    return answer | {"next_cursor": following} if following else answer


def one(library: Library, name: str) -> Document:
    """One preset; 404 if there is none."""
    with library.store.read() as db:
        return _shown(_PRESETS.get(db, name))


def create(library: Library, params: Params) -> Document:
    """Keep a preset; a missing name is generated, 400 for a setting that makes no sense."""
    name = params.text("name") or random_public_id()
    with library.store.write() as db:
        created = _PRESETS.create(db, name, _body(params, {}))
    return {"message": "created", "name": created.name, "external_id": created.external_id}


def update(library: Library, params: Params, name: str) -> Document:
    """Change a preset in part: settings that are not named stay."""
    with library.store.write() as db:
        preset = _PRESETS.get(db, name)
        _PRESETS.save(db, Registered(preset.name, preset.external_id, _body(params, preset.body)))
    return {"message": "updated"}


def delete(library: Library, name: str) -> Document:
    """Forget a preset; 404 if there is none."""
    with library.store.write() as db:
        _PRESETS.delete(db, name)
    return {"message": "deleted"}


def applied(library: Library, params: Params, is_signed: bool) -> Params:
    """A call's parameters together with those of the preset it names.

    A signed call beats the preset. Without a signature the preset beats the call, tags, context and metadata of both
    are merged, and nothing is overwritten.

    Raises:
        ApiError: 400 for an unknown preset, one that needs a signature, or a parameter only a signed call may carry.
    """
    name = params.text("upload_preset")
    if name is None:
        return params
    with library.store.read() as db:
        preset = _PRESETS.find(db, name)
    if preset is None:
        raise bad_request("Upload preset not found")
    settings = _settings(preset)
    if settings.get("disallow_public_id") and "public_id" in params:
        raise bad_request(f"public_id is not allowed by upload preset {name}")
    if is_signed:
        return Params({**settings, **params.values})
    if not preset.body["unsigned"]:
        raise bad_request("Upload preset must be whitelisted for unsigned uploads")
    for given in params.values:
        if given not in _UNSIGNED and given not in _CARRIED:
            words = given.replace("_", " ").capitalize()
            raise bad_request(
                f"{words} parameter is not allowed when using unsigned upload. "
                f"Only {','.join(_UNSIGNED)} upload parameters are allowed."
            )
    return Params({**params.values, **settings, **_merged(params, Params(settings)), "overwrite": False})


def _merged(call: Params, preset: Params) -> dict[str, object]:
    """The parameters that hold several values, of a call and a preset together."""
    merged: dict[str, object] = {}
    if "tags" in call and "tags" in preset:
        merged["tags"] = [*parse_tags(preset["tags"]), *parse_tags(call["tags"])]
    for name in _PAIRS:
        if name in call and name in preset:
            merged[name] = parse_pairs(call[name], name) | parse_pairs(preset[name], name)
    return merged


def _body(params: Params, former: Document) -> Document:
    settings = former.get("settings")
    given = {name: _plain(value) for name, value in params.values.items() if name not in _NOT_SETTINGS}
    _in_parts(given)
    return {
        "unsigned": params.flag("unsigned", default=bool(former.get("unsigned"))),
        "settings": {**(settings if isinstance(settings, dict) else {}), **given},
    }


def _plain(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _settings(preset: Registered) -> dict[str, object]:
    settings = preset.body["settings"]
    return settings if isinstance(settings, dict) else {}


def _in_parts(settings: dict[str, object]) -> dict[str, object]:
    """The settings as they are told; 400 for one that cannot be taken apart."""
    return settings | {name: form(settings[name]) for name, form in _FORMS.items() if name in settings}


def _shown(preset: Registered) -> Document:
    return {
        "name": preset.name,
        "unsigned": preset.body["unsigned"],
        "settings": _in_parts(_settings(preset)),
        "external_id": preset.external_id,
    }
