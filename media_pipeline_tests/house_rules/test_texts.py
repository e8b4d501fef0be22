"""What no file of the repository may say, whatever its language."""

from __future__ import annotations

import re

from media_pipeline_tests.house_rules import sources


def found(pattern: str, *, but: frozenset[str] = frozenset(), flags: int = 0) -> list[str]:
    """Places of tracked texts that match; *but* names files for which the rule does not hold."""
    return [
        f"{sources.shown(path, content.count(chr(10), 0, match.start()) + 1)}: {match[0]}"
        for path, content in sources.texts()
        if sources.shown(path) not in but
        for match in re.finditer(pattern, content, flags)
    ]


def test_nothing_is_marked_as_unfinished() -> None:
    marks = "|".join(["TO" + "DO", "FIX" + "ME", "HA" + "CK"])

    assert found(rf"\b({marks})\b") == []


def test_no_package_registry_is_named() -> None:
    hosts = [
        *("py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "yarn" + "pkg.com"),
        *("crates" + ".io", "proxy.golang" + ".org", "conda" + ".io", "docker" + ".io", "ghcr" + ".io"),
        *("index" + "-url", "find" + "-links", "trusted" + "-host"),
    ]
    # The command that writes the lock says that no index shall be written into it.
    allowed = "--no-emit-index" + "-url"
    named = found("|".join(re.escape(one) for one in hosts), flags=re.IGNORECASE)
    makefile = (sources.ROOT / "Makefile").read_text(encoding="utf-8")
    line = makefile[: makefile.index(allowed)].count("\n") + 1

    assert [place for place in named if not place.startswith(f"Makefile:{line}:")] == []


def test_no_path_of_a_machine_is_named() -> None:
    roots = "|".join(["ho" + "me", "ro" + "ot", "Us" + "ers", "wo" + "rk", "tm" + "p", "mn" + "t"])

    assert found(rf"(?<![\w./~}}-])/({roots})/[\w.-]+|\b[A-Z]:\\\\?Users\b") == []


def test_no_credential_looks_real() -> None:
    """Keys of the usual forms; those of tests say that they are fake."""
    forms = [
        r"cloudinary://\d{15}:[\w-]{27}@(?!emu-)",
        r"AKIA[0-9A-Z]{16}",
        r"gh[pousr]_[A-Za-z0-9]{36}",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
        r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.",
    ]

    assert found("|".join(forms)) == []


def test_a_page_of_the_documentation_that_is_named_exists() -> None:
    missing = [
        f"{sources.shown(path)}: {name}"
        for path, content in sources.texts()
        for name in sorted(set(re.findall(r"\bdocs/(?:[\w-]+/)*[\w-]+\.md\b", content)))
        if not (sources.ROOT / name).is_file()
    ]

    assert missing == []


def test_every_text_ends_with_one_line_break_and_has_no_carriage_returns() -> None:
    odd = [
        sources.shown(path)
        for path, content in sources.texts()
        if content and ("\r" in content or not content.endswith("\n") or content.endswith("\n\n"))
    ]

    assert odd == []
