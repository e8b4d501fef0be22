"""The coverage list of docs/emulator.md, made of the routes and of the calls Cloudinary's SDK has.

Belongs here: which call goes where, remarks, the text. Not here: the routes themselves, see admin_routes and
upload_routes.

``python -m media_pipeline.emulator.coverage docs/emulator.md`` writes the list anew between its two marks.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from media_pipeline.emulator.admin_routes import ADMIN
from media_pipeline.emulator.app import ANALYSIS, DELIVERY, V2
from media_pipeline.emulator.routes import Level
from media_pipeline.emulator.upload_routes import UPLOAD

BEGIN, END = "<!-- coverage: generated, do not edit -->", "<!-- end of coverage -->"
_CONVERTOR = re.compile(r":\w+(?=\})")
_R = "/resources"
_K = "/{resource_type}"


@dataclass(frozen=True, slots=True)
class Topic:
    """Calls of one kind: names of SDK functions, and the addresses they use with a remark on each."""

    title: str
    calls: tuple[tuple[str, str, str], ...]


TOPICS = (
    Topic("Service", (
        ("ping", "GET /ping", ""),
        ("config", "GET /config", "`folder_mode` is the only setting told"),
        ("usage", "GET /usage", "counts assets, bytes and derived assets; traffic is always 0"),
        ("usage", "GET /usage/{day}", "as of now, without limits"),
        ("resource_types", f"GET {_R}", ""),
    )),
    Topic("Lists and details", (
        ("resources", f"GET {_R}/{{kind}}", "all delivery types"),
        ("resources, resources_by_ids", f"GET {_R}/{{kind}}/{{type}}", "by time, prefix, `start_at`, ids"),
        ("resources_by_asset_ids", f"GET {_R}/by_asset_ids", "limit is the setting `by_asset_ids_limit`"),
        ("resources_by_asset_folder", f"GET {_R}/by_asset_folder", "HTML 404 in fixed folder mode"),
        ("resources_by_tag", f"GET {_R}/{{kind}}/tags/{{tag}}", ""),
        ("resources_by_context", f"GET {_R}/{{kind}}/context", ""),
        ("resources_by_moderation", f"GET {_R}/{{kind}}/moderations/{{by}}/{{status}}", ""),
        ("resource", f"GET {_R}/{{kind}}/{{type}}/{{public_id}}",
         "flags: `coordinates`, `faces`, `quality_analysis`, `versions`, `related`; others add nothing"),
        ("resource_by_asset_id", f"GET {_R}/{{asset_id}}", "as above"),
        ("tags", "GET /tags/{kind}", ""),
        ("visual_search", f"POST {_R}/visual_search", "403: not enabled"),
        ("analyze", ANALYSIS.replace("/v2", "POST /v2"), "403: not enabled"),
    )),
    Topic("Search", (
        ("Search.execute", f"GET {_R}/search", "as POST, with a body or a query"),
        ("Search.execute", f"POST {_R}/search", "the whole expression language; index lag by setting"),
        ("SearchFolders.execute", "GET /folders/search", "as POST"),
        ("SearchFolders.execute", "POST /folders/search", ""),
    )),
    Topic("Changes by the Admin API", (
        ("update", f"POST {_R}/{{kind}}/{{type}}/{{public_id}}", "add-ons are checked by name and have no effect"),
        ("", f"PUT {_R}/{{asset_id}}", "update by asset id"),
        ("", f"POST {_R}/{{asset_id}}", "the same"),
        ("delete_resources, delete_resources_by_prefix, delete_all_resources, delete_derived_by_transformation",
         f"DELETE {_R}/{{kind}}/{{type}}", "100 ids; prefix and all up to the setting `delete_limit`, then `partial`"),
        ("delete_resources_by_tag", f"DELETE {_R}/{{kind}}/tags/{{tag}}", "up to `delete_limit`"),
        ("delete_resources_by_asset_ids", f"DELETE {_R}", "100 ids; the answer is keyed by public id"),
        ("delete_derived_resources", "DELETE /derived_resources", ""),
        ("delete_backed_up_assets", f"DELETE {_R}/backup/{{asset_id}}", ""),
        ("restore", f"POST {_R}/{{kind}}/{{type}}/restore", ""),
        ("restore_by_asset_ids", f"POST {_R}/restore", ""),
        ("publish_by_ids, publish_by_prefix, publish_by_tag", f"POST {_R}/{{kind}}/publish_resources", ""),
        ("add_related_assets", f"POST {_R}/related_assets/{{kind}}/{{type}}/{{public_id}}", ""),
        ("add_related_assets_by_asset_ids", f"POST {_R}/related_assets/{{asset_id}}", ""),
        ("delete_related_assets", f"DELETE {_R}/related_assets/{{kind}}/{{type}}/{{public_id}}", ""),
        ("delete_related_assets_by_asset_ids", f"DELETE {_R}/related_assets/{{asset_id}}", ""),
    )),
    Topic("Folders", (
        ("root_folders", "GET /folders", "at most 2000, no cursor"),
        ("subfolders", "GET /folders/{path}", ""),
        ("create_folder", "POST /folders/{path}", "409 for one that is there"),
        ("rename_folder", "PUT /folders/{path}", "HTML 404 in fixed folder mode"),
        ("delete_folder", "DELETE /folders/{path}", ""),
    )),
    Topic("Structured metadata", (
        ("list_metadata_fields", "GET /metadata_fields", ""),
        ("metadata_field_by_field_id", "GET /metadata_fields/{field}", ""),
        ("add_metadata_field", "POST /metadata_fields", ""),
        ("update_metadata_field", "PUT /metadata_fields/{field}", ""),
        ("delete_metadata_field", "DELETE /metadata_fields/{field}", "values go at once"),
        ("update_metadata_field_datasource", "PUT /metadata_fields/{field}/datasource", ""),
        ("delete_datasource_entries", "DELETE /metadata_fields/{field}/datasource", ""),
        ("restore_metadata_field_datasource", "POST /metadata_fields/{field}/datasource_restore", ""),
        ("reorder_metadata_field_datasource", "POST /metadata_fields/{field}/datasource/order", ""),
        ("", "PUT /metadata_fields/{field}/datasource/order", "the verb of the documentation"),
        ("reorder_metadata_fields", "PUT /metadata_fields/order", ""),
        ("", "POST /metadata_fields/datasource/search", ""),
        ("list_metadata_rules", "GET /metadata_rules", ""),
        ("add_metadata_rule", "POST /metadata_rules", "rules are not enforced"),
        ("update_metadata_rule", "PUT /metadata_rules/{rule}", ""),
        ("delete_metadata_rule", "DELETE /metadata_rules/{rule}", ""),
    )),
    Topic("Transformations, presets, mappings, streaming", (
        ("transformations, transformation", "GET /transformations", ""),
        ("create_transformation", "POST /transformations", ""),
        ("update_transformation", "PUT /transformations", ""),
        ("delete_transformation", "DELETE /transformations", ""),
        ("", "GET /transformations/{text}", "older form"),
        ("", "POST /transformations/{text}", "older form"),
        ("", "PUT /transformations/{text}", "older form"),
        ("", "DELETE /transformations/{text}", "older form"),
        ("upload_presets", "GET /upload_presets", ""),
        ("upload_preset", "GET /upload_presets/{name}", ""),
        ("create_upload_preset", "POST /upload_presets", ""),
        ("update_upload_preset", "PUT /upload_presets/{name}", "settings that are not named stay"),
        ("delete_upload_preset", "DELETE /upload_presets/{name}", ""),
        ("upload_mappings, upload_mapping", "GET /upload_mappings", "nothing is fetched through a mapping"),
        ("create_upload_mapping", "POST /upload_mappings", ""),
        ("update_upload_mapping", "PUT /upload_mappings", ""),
        ("delete_upload_mapping", "DELETE /upload_mappings", ""),
        ("list_streaming_profiles", "GET /streaming_profiles", "no film is made"),
        ("get_streaming_profile", "GET /streaming_profiles/{name}", ""),
        ("create_streaming_profile", "POST /streaming_profiles", ""),
        ("update_streaming_profile", "PUT /streaming_profiles/{name}", ""),
        ("delete_streaming_profile", "DELETE /streaming_profiles/{name}", ""),
    )),
    Topic("Notifications", (
        ("triggers", "GET /triggers", ""),
        ("create_trigger", "POST /triggers", "no filters, no payload templates, no Ed25519 signature"),
        ("update_trigger", "PUT /triggers/{trigger}", ""),
        ("delete_trigger", "DELETE /triggers/{trigger}", ""),
        ("test_trigger", "POST /triggers/{trigger}/test", "there is never a filter"),
        ("notifications", "GET /v2/notifications/{cloud}/messages", "costs no quota"),
        ("ack_notifications", "POST /v2/notifications/{cloud}/messages/ack", "costs no quota"),
    )),
    Topic("Upload API", (
        ("upload, unsigned_upload, upload_large, upload_image, upload_resource", f"POST {_K}/upload",
         "bytes, data URI, parts, addresses of this machine; scripts (`eval`, `on_success`) are refused"),
        ("", "POST /auto/upload", "kind by content"),
        ("", "POST /upload", "an image"),
        ("explicit", f"POST {_K}/explicit", "stored assets only, no `fetch`"),
        ("rename", f"POST {_K}/rename", ""),
        ("destroy", f"POST {_K}/destroy", ""),
        ("", "POST /asset/destroy", "by asset id"),
        ("", "POST /delete_by_token", ""),
        ("", f"POST {_K}/delete_by_token", ""),
        ("add_tag, remove_tag, replace_tag, remove_all_tags", f"POST {_K}/tags", ""),
        ("add_context, remove_all_context", f"POST {_K}/context", ""),
        ("update_metadata", f"POST {_K}/metadata", ""),
        ("text", "POST /image/text", "one font, black on nothing unless colours are given"),
        ("multi", "POST /image/multi", "animations and documents of pictures"),
        ("explode", "POST /image/explode", "pages of GIF, TIFF and WebP; not of PDF"),
        ("generate_sprite", "POST /image/sprite", "Cloudinary ended sprites in September 2025"),
        ("create_slideshow", "POST /video/create_slideshow", "no film is made"),
        ("create_archive, create_zip", f"POST {_K}/generate_archive", "zip and tgz"),
        ("", f"GET {_K}/generate_archive", "download addresses"),
        ("", f"GET {_K}/download", "private download addresses"),
        ("", "GET /download_backup", "download addresses of backed-up versions"),
    )),
    Topic("Delivery", (
        ("", f"GET {_CONVERTOR.sub('', DELIVERY)}",
         "originals, and pictures after resize, crop, pad, turn, page, format and quality"),
    )),
)  # fmt: skip


def levels() -> dict[str, Level]:
    """Every address that is answered, as ``METHOD /path``, with how much of it is emulated."""
    found = {
        f"{method} {_CONVERTOR.sub('', address.path)}": address.level
        for address in (*ADMIN, *UPLOAD)
        for method in address.methods.split("|")
    }
    found |= {f"{method} {path}": Level.DONE for method, path, _ in V2}
    return found | {f"POST {ANALYSIS}": Level.REFUSED, f"GET {_CONVERTOR.sub('', DELIVERY)}": Level.DONE}


def functions() -> set[str]:
    """SDK functions that the list names."""
    return {name for topic in TOPICS for names, _, _ in topic.calls for name in names.split(", ") if name}


def text() -> str:
    """The list as Markdown.

    Raises:
        ValueError: An address is answered and not listed, or listed and not answered.
    """
    answered = levels()
    listed = {address for topic in TOPICS for _, address, _ in topic.calls}
    if listed != answered.keys():
        raise ValueError(f"Only listed: {sorted(listed - answered.keys())}; only answered: {answered.keys() - listed}")
    lines = []
    for topic in TOPICS:
        lines += ["", f"### {topic.title}", "", "| call | address | state | remark |", "|---|---|---|---|"]
        for names, address, remark in topic.calls:
            call = ", ".join(f"`{name}`" for name in names.split(", ") if name)
            lines.append(f"| {call} | `{address}` | {answered[address]} | {remark} |")
    count = sum(level is not Level.REFUSED for level in answered.values())
    head = (
        f"{count} of {len(answered)} addresses are emulated. Paths stand behind `/v1_1/{{cloud}}` unless they name it."
    )
    return "\n".join([head, *lines, ""])


def rewritten(document: str) -> str:
    """A document with the list between its marks.

    Raises:
        ValueError: The document has no marks.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The document needs the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{text()}\n{END}{after}"


def main() -> int:
    """Write the list into a document; with ``--check`` only say whether it is up to date."""
    parser = argparse.ArgumentParser(prog="python -m media_pipeline.emulator.coverage", description=__doc__)
    parser.add_argument("document", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    current = arguments.document.read_text(encoding="utf-8")
    wanted = rewritten(current)
    if arguments.check:
        if wanted != current:
            sys.stderr.write(f"{arguments.document} is stale: run this command without --check\n")
        return int(wanted != current)
    arguments.document.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
