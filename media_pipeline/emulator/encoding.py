"""The small text formats inside parameters: pairs with escapes, tags, access control.

Belongs here: parsing them with their limits. Not here: structured metadata's validation, see metadata_fields.
"""

from __future__ import annotations

import re

import msgspec

from media_pipeline.emulator.clock import parse_time
from media_pipeline.emulator.errors import bad_request

_SEPARATOR = re.compile(r"(?<!\\)\|")
_ASSIGNMENT = re.compile(r"(?<!\\)=")
_ESCAPED = re.compile(r"\\([=|])")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_PAIR_LIMIT = 1000
_CONTEXT_TEXT_LIMIT = 1024
_TAG_LIMIT = 255


def parse_pairs(value: object, parameter: str) -> dict[str, str]:
    """Read ``key=value|key2=value2`` or a JSON object.

    A backslash escapes ``=`` and ``|`` and nothing else: clients do not escape the backslash itself.

    Raises:
        ApiError: 400 for a part without ``=`` or with an empty key.
    """
    if isinstance(value, dict):
        return {str(key): _text_of(item) for key, item in value.items()}
    pairs = {}
    for part in filter(None, _SEPARATOR.split(str(value))):
        key, *rest = (_ESCAPED.sub(r"\1", piece) for piece in _ASSIGNMENT.split(part, maxsplit=1))
        if not rest or not key.strip():
            raise bad_request(f"Invalid value {part} for parameter {parameter}: pairs are written key=value")
        pairs[key.strip()] = rest[0]
    return pairs


def parse_context(value: object) -> dict[str, str]:
    """Contextual metadata; pairs with an empty value are dropped, as Cloudinary keeps none."""
    pairs = {key: text for key, text in parse_pairs(value, "context").items() if text}
    if len(pairs) > _PAIR_LIMIT:
        raise bad_request(f"Too many context pairs: at most {_PAIR_LIMIT}")
    for key, text in pairs.items():
        if not key or max(len(key), len(text)) > _CONTEXT_TEXT_LIMIT or _CONTROL.search(key + text):
            raise bad_request(f"Invalid value {key} for parameter context")
    return pairs


def parse_tags(value: object) -> list[str]:
    """Tags from comma-separated text or a list, without repeats, in the order given."""
    parts = value if isinstance(value, list) else str(value).split(",")
    tags = list(dict.fromkeys(tag for part in parts if (tag := str(part).strip())))
    if len(tags) > _PAIR_LIMIT or any(len(tag) > _TAG_LIMIT for tag in tags):
        raise bad_request("Invalid value for parameter tags: at most 1000 tags of 255 characters")
    return tags


def parse_access_control(value: object) -> list[dict[str, str]] | None:
    """Access control rules from JSON text or a list; None for an empty list, which removes them."""
    try:
        rules = msgspec.convert(msgspec.json.decode(value) if isinstance(value, str) else value, list[dict[str, str]])
        for rule in rules:
            times = [parse_time(rule[name]) for name in ("start", "end") if rule.get(name)]
            if rule.get("access_type") not in ("token", "anonymous") or times != sorted(times):
                raise ValueError(rule)
    except ValueError:
        raise bad_request(f"Invalid value {value} for parameter access_control") from None
    return rules or None


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
