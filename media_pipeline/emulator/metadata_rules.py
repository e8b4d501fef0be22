"""Rules between structured metadata fields; kept for the user interface, never enforced.

Belongs here: the ``/metadata_rules`` resource. Not here: the fields, see metadata_fields.
"""

from __future__ import annotations

from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.errors import missing
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.naming import random_public_id
from media_pipeline.emulator.params import Params
from media_pipeline.emulator.registered import Kind, Registered

_RULES = Kind("metadata_rules", "Metadata rule")
_NEEDED = ("metadata_field_id", "condition", "result", "name")
_EDITABLE = (*_NEEDED, "state", "position")


def listed(library: Library) -> Document:
    """All rules."""
    with library.store.read() as db:
        rows = db.execute("SELECT name FROM registered WHERE kind = ? ORDER BY name", (_RULES.kind,)).fetchall()
        return {"metadata_rules": [_shown(_RULES.get(db, name)) for (name,) in rows]}


def create(library: Library, params: Params) -> Document:
    """Keep a rule; a missing external id is generated.

    Raises:
        ApiError: 400 if a part is missing, 409 for a taken id.
    """
    for name in _NEEDED:
        if name not in params:
            raise missing(name)
    body = {"state": "active"} | {name: params[name] for name in _EDITABLE if name in params}
    with library.store.write() as db:
        return _shown(_RULES.create(db, params.text("external_id") or random_public_id(), body))


def update(library: Library, params: Params, rule_id: str) -> Document:
    """Change a rule in part; 404 if there is none."""
    with library.store.write() as db:
        rule = _RULES.get(db, rule_id)
        changed = Registered(
            rule.name, rule.external_id, rule.body | {name: params[name] for name in _EDITABLE if name in params}
        )
        _RULES.save(db, changed)
    return _shown(changed)


def delete(library: Library, rule_id: str) -> Document:
    """Forget a rule; 404 if there is none."""
    with library.store.write() as db:
        _RULES.delete(db, rule_id)
    return {"success": True}


def _shown(rule: Registered) -> Document:
    return {"external_id": rule.name, **rule.body}
