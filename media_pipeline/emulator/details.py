"""The whole of one asset as the Admin API tells it: the stored members, and what a call asks for beside them.

Belongs here: collecting the parts of a detail. Not here: how the asset's own members look, see documents.
"""

from __future__ import annotations

import sqlite3

from media_pipeline.emulator import analysis, backups, coordinates, derived, related
from media_pipeline.emulator.assets import Asset
from media_pipeline.emulator.cursors import Cursors
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.params import Params

_DERIVED_DEFAULT = 10
_PAGE_LIMIT = 500


def detail(library: Library, db: sqlite3.Connection, asset: Asset, params: Params) -> Document:
    """One asset in full, with the members that a call's flags add."""
    with_etag = params.flag("media_metadata") or params.flag("image_metadata")
    document = library.documents.detail(asset, with_etag)
    document |= _derived(library, db, asset, params)
    document |= asked_for(library, db, asset, params)
    if params.flag("related"):
        document |= related.shown(library, db, asset, params)
    if params.flag("versions"):
        document["versions"] = backups.versions(db, asset)
    return document


def asked_for(library: Library, db: sqlite3.Connection, asset: Asset, params: Params) -> Document:
    """Members about a picture's content that uploads and details tell on request."""
    found: Document = {}
    regions = coordinates.of_asset(db, asset)
    if params.flag("faces"):
        found["faces"] = regions.faces or []
    if params.flag("coordinates"):
        found["coordinates"] = regions.shown()
    if params.flag("quality_analysis") and asset.resource_type == "image" and asset.original:
        measured = analysis.quality(library.originals.path(asset.original))
        if measured:
            found["quality_analysis"] = measured
    return found


def _derived(library: Library, db: sqlite3.Connection, asset: Asset, params: Params) -> Document:
    limit = params.integer("max_results", _DERIVED_DEFAULT, 1, _PAGE_LIMIT)
    cursors = Cursors(library.config.api_secret, f"derived/{asset.asset_id}", {})
    (after,) = cursors.open(params.text("derived_next_cursor")) or ("",)
    rows = derived.page(db, asset, str(after), limit + 1)
    shown: Document = {"derived": [derived.document(library, asset, row) for row in rows[:limit]]}
    return shown | {"next_cursor": cursors.seal(rows[limit - 1].id)} if len(rows) > limit else shown
