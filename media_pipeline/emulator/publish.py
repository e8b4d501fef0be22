"""Publishing: private and authenticated assets become public ones of the type ``upload``.

Belongs here: which assets, conflicts of names, the answer. Not here: other changes of a name, see edits.
"""

from __future__ import annotations

from media_pipeline.emulator import assets, notices
from media_pipeline.emulator.documents import RESTRICTED, Document
from media_pipeline.emulator.errors import invalid_value, missing
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.listing import check_resource_type
from media_pipeline.emulator.params import Params

_LIMIT = 1000


def publish(library: Library, params: Params, resource_type: str) -> Document:
    """Publish the assets named by ``public_ids``, ``prefix`` or ``tag``, at most 1000 in a call.

    Raises:
        ApiError: 400 if nothing is named, or a delivery type that is public already.
    """
    check_resource_type(resource_type)
    types = [params.text("type")] if params.text("type") else sorted(RESTRICTED)
    if not RESTRICTED.issuperset(types):
        raise invalid_value(types[0], "type")
    condition = f"resource_type = ? AND type IN ({', '.join('?' * len(types))}) AND status = 'active'"
    values: list[object] = [resource_type, *types]
    ids, prefix, tag = params.strings("public_ids"), params.text("prefix"), params.text("tag")
    if ids:
        condition += f" AND public_id IN ({', '.join('?' * len(ids))})"
        values += ids
    elif prefix:
        condition += " AND substr(public_id, 1, ?) = ?"
        values += [len(prefix), prefix]
    elif tag:
        condition += " AND seq IN (SELECT seq FROM asset_tag WHERE resource_type = ? AND tag = ?)"
        values += [resource_type, tag]
    else:
        raise missing("public_ids")
    published: list[Document] = []
    failed: list[Document] = []
    public: list[assets.Asset] = []
    with library.store.write() as db:
        for asset in list(assets.select(db, f"{condition} ORDER BY public_id LIMIT ?", (*values, _LIMIT))):
            other = assets.find(db, resource_type, "upload", asset.public_id)
            if other is not None and not params.flag("overwrite"):
                failed.append({"public_id": asset.public_id, "error": f"{asset.public_id} already exists"})
                continue
            if other is not None:
                assets.remove(db, other)
            asset.type = "upload"
            asset.touch(library.now())
            library.save(db, asset)
            published.append(library.documents.uploaded(asset))
            public.append(asset)
        if public:
            library.notifications.post(db, notices.removed("publish", public))
    return {"published": published, "failed": failed}
