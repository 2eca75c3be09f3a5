"""What a page loads stays small, and what is not ours is exactly what its maker published."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

from tests.rules.source import ROOT

STATIC = ROOT / "static"
CSS_BYTES, CSS_GZIPPED, JS_BYTES = 64 * 1024, 14 * 1024, 55 * 1024
LOADED_TOGETHER = ({"graph.js", "editor.js"}, {"failures.js"})
"""Scripts that only some pages load, by the page that loads most of them. All others are loaded by every page."""


def over_budget(folder: Path = STATIC) -> list[str]:
    """Style sheets and scripts together over what a page may cost."""
    css = b"".join(f.read_bytes() for f in sorted(folder.glob("css/*.css")))
    sizes = {f.name: len(f.read_bytes()) for f in [*folder.glob("js/*.js"), *folder.glob("vendor/*.js")]}
    everywhere = sum(size for name, size in sizes.items() if not any(name in page for page in LOADED_TOGETHER))
    js = everywhere + max(sum(sizes.get(name, 0) for name in page) for page in LOADED_TOGETHER)
    found = [("style sheets", len(css), CSS_BYTES), ("style sheets, gzipped", len(gzip.compress(css, 9)), CSS_GZIPPED)]
    found.append(("scripts", js, JS_BYTES))
    return [
        f"{what}: {size} bytes, more than {limit}: take something out" for what, size, limit in found if size > limit
    ]


def unknown_vendors(folder: Path = STATIC / "vendor") -> list[str]:
    """Foreign files whose hash, licence or very presence is not in vendor.json."""
    listed = {entry["file"]: entry for entry in json.loads((folder / "vendor.json").read_text())}
    problems = []
    for file in sorted(folder.iterdir()):
        if file.name == "vendor.json" or file.suffix == ".LICENSE":
            continue
        digest = base64.b64encode(hashlib.sha384(file.read_bytes()).digest()).decode()
        entry = listed.get(file.name)
        if entry is None or entry["sha384"] != digest or not entry.get("licence") or not entry.get("version"):
            problems.append(
                f"{file.name} is not what vendor.json says: note version, licence and sha384 of the new file"
            )
    return problems + [f"{name} is listed and missing" for name in listed if not (folder / name).exists()]


def undefined_icons(folder: Path = ROOT / "templates", sprite: Path = STATIC / "icons.svg") -> list[str]:
    """Symbols that a template names and the sprite does not have."""
    known = set(re.findall(r'id="([\w-]+)"', sprite.read_text()))
    names = {
        (file.name, name)
        for file in folder.rglob("*.html")
        for name in re.findall(r"icon\('([\w-]+)'(?!\s*~)", file.read_text())
    }
    return sorted(f"{file}: icon {name}" for file, name in names if name not in known)


def test_pages_stay_within_their_budget():
    assert over_budget() == []


def test_foreign_files_are_what_they_claim():
    assert unknown_vendors() == []


def test_every_icon_exists():
    assert undefined_icons() == []


def test_what_grew_too_large_is_found(tmp_path):
    for name in ("css", "js", "vendor"):
        (tmp_path / name).mkdir()
    (tmp_path / "css/a.css").write_bytes(bytes(range(256)) * 257)
    (tmp_path / "js/a.js").write_bytes(b"x" * (JS_BYTES - 1))
    (tmp_path / "vendor/b.js").write_bytes(b"xx")
    assert len(over_budget(tmp_path)) == 2


def test_a_changed_foreign_file_is_found(tmp_path):
    (tmp_path / "x.js").write_text("original")
    digest = base64.b64encode(hashlib.sha384(b"original").digest()).decode()
    entry = {"file": "x.js", "version": "1", "licence": "MIT", "sha384": digest}
    (tmp_path / "vendor.json").write_text(json.dumps([entry]))
    assert unknown_vendors(tmp_path) == []
    (tmp_path / "x.js").write_text("changed")
    assert unknown_vendors(tmp_path)
    (tmp_path / "x.js").unlink()
    assert unknown_vendors(tmp_path)
    (tmp_path / "y.js").write_text("unlisted")
    assert len(unknown_vendors(tmp_path)) == 2


def test_an_unknown_icon_is_found(tmp_path):
    (tmp_path / "a.html").write_text("{{ icon('nothing-so-called') }}{{ icon('st-' ~ word) }}")
    assert undefined_icons(tmp_path) == ["a.html: icon nothing-so-called"]
