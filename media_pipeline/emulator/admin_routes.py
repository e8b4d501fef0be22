"""The Admin API's addresses.

Belongs here: the table, one entry an address. Not here: what a call does; how it is read and checked, see calls.
"""

from __future__ import annotations

from media_pipeline.emulator import (
    admin,
    details,
    edits,
    folders,
    listing,
    mappings,
    metadata_fields,
    metadata_rules,
    named_transformations,
    presets,
    publish,
    related,
    search,
    streaming_profiles,
    triggers,
)
from media_pipeline.emulator.calls import Answer, Call, Handler
from media_pipeline.emulator.cursors import Cursors
from media_pipeline.emulator.errors import ApiError
from media_pipeline.emulator.params import Params
from media_pipeline.emulator.routes import Address, Level, dynamic_only, of_library, on

_FOLDER_PAGE_DEFAULT = 10
_FOLDER_PAGE_LIMIT = 500


def _subfolders(call: Call) -> Answer:
    params, path = call.params, call.path["path"]
    limit = params.integer("max_results", _FOLDER_PAGE_DEFAULT, 1, _FOLDER_PAGE_LIMIT)
    cursors = Cursors(call.emulator.config.api_secret, f"folders/{path}", params.values)
    return folders.children(call.emulator.library, path, cursors, params.text("next_cursor"), limit)


def _one(call: Call) -> admin.Finder:
    path = call.path
    if "asset_id" in path:
        return admin.by_asset_id(path["asset_id"])
    return admin.by_public_id(path["kind"], path["type"], path["public_id"])


def _detail(call: Call) -> Answer:
    library = call.emulator.library
    with library.store.read() as db:
        return details.detail(library, db, _one(call)(db), call.params)


def _update(call: Call) -> Answer:
    return edits.update(call.emulator.library, call.params, _one(call))


def _transformations(call: Call) -> Answer:
    chosen = named_transformations.one if "transformation" in call.params else named_transformations.listed
    return chosen(call.emulator.library, call.params)


def _relate(call: Call) -> Answer:
    return related.relate(call.emulator.library, call.params, _one(call), "asset_id" in call.path)


def _unrelate(call: Call) -> Answer:
    return related.unrelate(call.emulator.library, call.params, _one(call), "asset_id" in call.path)


def _named(handler: Handler, name: str = "transformation") -> Handler:
    """The handler of an address whose end is a transformation, which others send as a parameter."""

    def named(call: Call) -> Answer:
        params = Params({**call.params.values, name: call.path["text"]})
        return handler(Call(call.emulator, call.path, params))

    return named


def not_enabled(_call: Call) -> Answer:
    """The refusal of what needs an engine, in the words for a feature that is not part of the plan."""
    raise ApiError(403, "This feature is not enabled for the product environment")


# Order matters: words come before ids, and ids last, since they may hold anything.
ADMIN: list[Address] = [
    Address("GET", "/ping", lambda _: {"status": "ok"}),
    Address("GET", "/config", on(admin.config)),
    Address("GET", "/usage", lambda c: admin.usage(c.emulator.library, None, c.emulator.quota.used)),
    Address("GET", "/usage/{day}", lambda c: admin.usage(c.emulator.library, c.path["day"], c.emulator.quota.used)),
    Address("GET", "/resources", of_library(admin.resource_types)),
    Address("DELETE", "/resources", on(admin.delete_by_asset_ids)),
    Address("GET", "/resources/by_asset_ids", on(listing.by_asset_ids)),
    Address("GET", "/resources/by_asset_folder", dynamic_only(on(listing.by_asset_folder))),
    Address("GET|POST", "/resources/search", on(search.search_assets)),
    Address("POST", "/resources/restore", on(admin.restore_by_asset_ids)),
    Address("DELETE", "/resources/backup/{asset_id}", on(admin.delete_backups, "asset_id")),
    Address("POST", "/resources/visual_search", not_enabled, level=Level.REFUSED),
    Address("POST", "/resources/related_assets/{asset_id:asset_id}", _relate),
    Address("DELETE", "/resources/related_assets/{asset_id:asset_id}", _unrelate),
    Address("POST", "/resources/related_assets/{kind}/{type}/{public_id:path}", _relate),
    Address("DELETE", "/resources/related_assets/{kind}/{type}/{public_id:path}", _unrelate),
    Address("GET", "/resources/{asset_id:asset_id}", _detail),
    Address("PUT|POST", "/resources/{asset_id:asset_id}", _update),
    Address("GET", "/resources/{kind}", lambda c: listing.by_slice(c.emulator.library, c.params, c.path["kind"], None)),
    Address("GET", "/resources/{kind}/tags/{tag:path}", on(listing.by_tag, "kind", "tag")),
    Address("DELETE", "/resources/{kind}/tags/{tag:path}", on(admin.delete_tagged, "kind", "tag")),
    Address("GET", "/resources/{kind}/context", on(listing.by_context, "kind")),
    Address("GET", "/resources/{kind}/moderations/{by}/{status}", on(listing.by_moderation, "kind", "by", "status")),
    Address("POST", "/resources/{kind}/publish_resources", on(publish.publish, "kind")),
    Address("GET", "/resources/{kind}/{type}", on(listing.by_slice, "kind", "type")),
    Address("DELETE", "/resources/{kind}/{type}", on(admin.delete_slice, "kind", "type")),
    Address("POST", "/resources/{kind}/{type}/restore", on(admin.restore_by_public_ids, "kind", "type")),
    Address("GET", "/resources/{kind}/{type}/{public_id:path}", _detail),
    Address("POST", "/resources/{kind}/{type}/{public_id:path}", _update),
    Address("DELETE", "/derived_resources", on(admin.delete_derived)),
    Address("GET", "/tags/{kind}", on(listing.tags, "kind")),
    Address("GET", "/folders", of_library(folders.roots)),
    Address("GET|POST", "/folders/search", on(search.search_folders)),
    Address("GET", "/folders/{path:path}", _subfolders),
    Address("POST", "/folders/{path:path}", of_library(folders.create, "path")),
    Address("PUT", "/folders/{path:path}", dynamic_only(
        lambda c: folders.move(c.emulator.library, c.path["path"], c.params.required("to_folder")))),
    Address("DELETE", "/folders/{path:path}",
            lambda c: folders.delete(c.emulator.library, c.path["path"], c.params.flag("skip_backup"))),
    Address("GET", "/metadata_fields", of_library(metadata_fields.listed)),
    Address("POST", "/metadata_fields", on(metadata_fields.create)),
    Address("PUT", "/metadata_fields/order", on(metadata_fields.order_fields)),
    Address("POST", "/metadata_fields/datasource/search", on(metadata_fields.search_entries)),
    Address("GET", "/metadata_fields/{field}", of_library(metadata_fields.one, "field")),
    Address("PUT", "/metadata_fields/{field}",
            lambda c: metadata_fields.update(c.emulator.library, c.path["field"], c.params)),
    Address("DELETE", "/metadata_fields/{field}", of_library(metadata_fields.delete, "field")),
    Address("PUT", "/metadata_fields/{field}/datasource",
            lambda c: metadata_fields.update_entries(c.emulator.library, c.path["field"], c.params)),
    Address("DELETE", "/metadata_fields/{field}/datasource",
            lambda c: metadata_fields.set_entries_state(c.emulator.library, c.path["field"], c.params, "inactive")),
    Address("POST", "/metadata_fields/{field}/datasource_restore",
            lambda c: metadata_fields.set_entries_state(c.emulator.library, c.path["field"], c.params, "active")),
    Address("PUT|POST", "/metadata_fields/{field}/datasource/order",
            lambda c: metadata_fields.order_entries(c.emulator.library, c.path["field"], c.params)),
    Address("GET", "/transformations", _transformations),
    Address("POST", "/transformations", on(named_transformations.create)),
    Address("PUT", "/transformations", on(named_transformations.update)),
    Address("DELETE", "/transformations", on(named_transformations.delete)),
    Address("GET", "/transformations/{text:path}", _named(on(named_transformations.one))),
    Address("POST", "/transformations/{text:path}", _named(on(named_transformations.create), "name")),
    Address("PUT", "/transformations/{text:path}", _named(on(named_transformations.update))),
    Address("DELETE", "/transformations/{text:path}", _named(on(named_transformations.delete))),
    Address("GET", "/triggers", on(triggers.listed)),
    Address("POST", "/triggers", on(triggers.create)),
    Address("PUT", "/triggers/{trigger}", on(triggers.update, "trigger")),
    Address("DELETE", "/triggers/{trigger}", of_library(triggers.delete, "trigger")),
    Address("POST", "/triggers/{trigger}/test", of_library(triggers.test, "trigger")),
    Address("GET", "/metadata_rules", of_library(metadata_rules.listed), level=Level.KEPT),
    Address("POST", "/metadata_rules", on(metadata_rules.create), level=Level.KEPT),
    Address("PUT", "/metadata_rules/{rule}", on(metadata_rules.update, "rule"), level=Level.KEPT),
    Address("DELETE", "/metadata_rules/{rule}", of_library(metadata_rules.delete, "rule"), level=Level.KEPT),
    Address("GET", "/upload_mappings", on(mappings.read), level=Level.KEPT),
    Address("POST", "/upload_mappings", on(mappings.create), level=Level.KEPT),
    Address("PUT", "/upload_mappings", on(mappings.update), level=Level.KEPT),
    Address("DELETE", "/upload_mappings", on(mappings.delete), level=Level.KEPT),
    Address("GET", "/streaming_profiles", of_library(streaming_profiles.listed), level=Level.KEPT),
    Address("POST", "/streaming_profiles", on(streaming_profiles.create), level=Level.KEPT),
    Address("GET", "/streaming_profiles/{name}", of_library(streaming_profiles.one, "name"), level=Level.KEPT),
    Address("PUT", "/streaming_profiles/{name}", on(streaming_profiles.update, "name"), level=Level.KEPT),
    Address("DELETE", "/streaming_profiles/{name}", of_library(streaming_profiles.delete, "name"), level=Level.KEPT),
    Address("GET", "/upload_presets", on(presets.listed)),
    Address("POST", "/upload_presets", on(presets.create)),
    Address("GET", "/upload_presets/{name}", of_library(presets.one, "name")),
    Address("PUT", "/upload_presets/{name}", on(presets.update, "name")),
    Address("DELETE", "/upload_presets/{name}", of_library(presets.delete, "name")),
]  # fmt: skip
