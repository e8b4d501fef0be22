"""The Upload API's addresses.

Belongs here: the table, one entry an address. Not here: what a call does; how it is read and checked, see calls.
"""

from __future__ import annotations

from media_pipeline.emulator import (
    admin,
    archives,
    assets,
    cause,
    composites,
    downloads,
    edits,
    notices,
    presets,
    probes,
    uploads,
)
from media_pipeline.emulator.calls import Access, Answer, Call, Handler, require_file
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.errors import ApiError, bad_request
from media_pipeline.emulator.params import Params
from media_pipeline.emulator.routes import Address, Level, on

_KIND = "/{resource_type:resource_type}"


def _upload(call: Call, wanted: str = "") -> Answer:
    wanted = wanted or call.path.get("resource_type", "image")
    params = presets.applied(call.emulator.library, call.params, call.is_signed)
    # A preset may say where notifications go.
    cause.follow(params)
    if call.source.part is not None:
        return uploads.partial(params, call.source.filename, wanted, call.source.part)
    if not params.flag("async"):
        return _stored(call, params, wanted)
    answer = {"status": "pending", "resource_type": wanted, "type": params.text("type") or "upload"}
    batch_id = cause.current().batch_id
    try:
        public_id = _stored(call, params, wanted)["public_id"]
    except ApiError as error:
        public_id = params.text("public_id")
        with call.emulator.library.store.write() as db:
            call.emulator.library.notifications.post(db, notices.failed(error.message, batch_id))
    return answer | {"public_id": public_id, "batch_id": batch_id}


def _stored(call: Call, params: Params, wanted: str) -> Document:
    file = require_file(call)
    facts = probes.probe(file.path, call.source.filename, wanted)
    document = uploads.upload(call.emulator.library, params, uploads.Arrival(file, call.source.filename, facts))
    return document | {"api_key": call.emulator.config.api_key}


def _destroy(call: Call) -> Answer:
    library, params = call.emulator.library, call.params
    asset_id = params.text("asset_id")
    if asset_id:
        return admin.destroy(library, lambda db: assets.find_by_asset_id(db, asset_id))
    kind, public_id = call.path.get("resource_type", "image"), params.required("public_id")
    return admin.destroy(library, lambda db: assets.find(db, kind, params.text("type") or "upload", public_id))


def _never(what: str) -> Handler:
    """The refusal of what needs an engine that the emulator does not have."""

    def refuse(_call: Call) -> Answer:
        raise bad_request(f"{what} are not made by the emulator")

    return refuse


UPLOAD: list[Address] = [
    Address("POST", "/upload", _upload, Access.UNSIGNED_WITH_PRESET),
    Address("POST", "/auto/upload", lambda c: _upload(c, "auto"), Access.UNSIGNED_WITH_PRESET),
    Address("POST", f"{_KIND}/upload", _upload, Access.UNSIGNED_WITH_PRESET),
    Address("POST", f"{_KIND}/explicit", on(edits.explicit, "resource_type")),
    Address("POST", f"{_KIND}/rename", on(edits.rename, "resource_type")),
    Address("POST", f"{_KIND}/destroy", _destroy),
    Address("POST", "/asset/destroy", _destroy),
    Address("POST", "/delete_by_token", on(admin.delete_by_token), Access.ANYONE),
    Address("POST", f"{_KIND}/delete_by_token", on(admin.delete_by_token), Access.ANYONE),
    Address("POST", "/image/text", on(composites.text)),
    Address("POST", "/image/multi", on(composites.multi)),
    Address("POST", "/image/explode", on(composites.explode)),
    Address("POST", "/image/sprite", _never("Sprites"), level=Level.REFUSED),
    Address("POST", "/video/create_slideshow", _never("Slideshows"), level=Level.REFUSED),
    Address("GET|POST", "/{resource_type:archived_type}/generate_archive", on(archives.generate, "resource_type")),
    Address("GET", f"{_KIND}/download", on(downloads.original, "resource_type")),
    Address("GET", "/download_backup", on(downloads.backup)),
    Address("POST", f"{_KIND}/tags", on(edits.change_tags, "resource_type")),
    Address("POST", f"{_KIND}/context", on(edits.change_context, "resource_type")),
    Address("POST", f"{_KIND}/metadata", on(edits.change_metadata, "resource_type")),
]
