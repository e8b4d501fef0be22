"""Upload mappings: folders of delivery addresses that stand for another server; kept, never followed.

Belongs here: the ``/upload_mappings`` resource. Not here: delivery.
"""

from __future__ import annotations

from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.params import Params
from media_pipeline.emulator.registered import Kind, Registered

_MAPPINGS = Kind("upload_mappings", "Upload mapping")


def read(library: Library, params: Params) -> Document:
    """The mapping of ``folder``, or one page of all, newest first."""
    folder = params.text("folder")
    if folder:
        with library.store.read() as db:
            return _shown(_MAPPINGS.get(db, folder))
    found, following = _MAPPINGS.page(library, params)
    answer: Document = {"mappings": [_shown(mapping) for mapping in found]}
    return answer | {"next_cursor": following} if following else answer


def create(library: Library, params: Params) -> Document:
    """Keep a mapping; 409 if the folder has one."""
    body: Document = {"template": params.required("template")}
    with library.store.write() as db:
        created = _MAPPINGS.create(db, params.required("folder"), body)
    return {"message": "created", "folder": created.name, "external_id": created.external_id}


def update(library: Library, params: Params) -> Document:
    """Give a folder another template; 404 if it has none."""
    with library.store.write() as db:
        mapping = _MAPPINGS.get(db, params.required("folder"))
        _MAPPINGS.save(db, Registered(mapping.name, mapping.external_id, {"template": params.required("template")}))
    return {"message": "updated"}


def delete(library: Library, params: Params) -> Document:
    """Forget a folder's mapping; 404 if it has none."""
    with library.store.write() as db:
        _MAPPINGS.delete(db, params.required("folder"))
    return {"message": "deleted"}


def _shown(mapping: Registered) -> Document:
    return {"folder": mapping.name, **mapping.body, "external_id": mapping.external_id}
