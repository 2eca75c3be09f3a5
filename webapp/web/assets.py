"""Static files under names that hold their hash, compressed once, served as immutable by WhiteNoise.

A proxy may keep ``app.3f9c….css`` for ever, because a changed file has another name. The build is a folder in
``DATA_DIR``, made on the first start of a version and moved into place in one step, so two workers cannot see half of
it.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

import brotli
from flask import Flask
from whitenoise import WhiteNoise

SOURCE = Path(__file__).resolve().parents[2] / "static"
COMPRESSED = frozenset({".css", ".js", ".svg", ".txt", ".json"})
HASHED = re.compile(r"\.[0-9a-f]{12}\.\w+$")


def _hashed_name(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"{path.stem}.{digest}{path.suffix}"


def manifest(source: Path = SOURCE) -> dict[str, str]:
    """``css/app.css`` -> ``css/app.<hash>.css`` for every static file."""
    files = (p for p in sorted(source.rglob("*")) if p.is_file())
    return {
        p.relative_to(source).as_posix(): (p.parent.relative_to(source) / _hashed_name(p)).as_posix() for p in files
    }


def build(source: Path, target_root: Path, names: dict[str, str]) -> Path:
    """Write hashed and compressed copies once per content; answers the folder."""
    version = hashlib.sha256("\n".join(sorted(names.values())).encode()).hexdigest()[:16]
    target = target_root / version
    if target.is_dir():
        return target
    target_root.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=target_root))
    for plain, hashed in names.items():
        copy = scratch / hashed
        copy.parent.mkdir(parents=True, exist_ok=True)
        content = (source / plain).read_bytes()
        copy.write_bytes(content)
        if copy.suffix in COMPRESSED:
            Path(f"{copy}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
            Path(f"{copy}.br").write_bytes(brotli.compress(content, quality=11))
    scratch.chmod(0o755)
    try:
        os.rename(scratch, target)
    except OSError:
        shutil.rmtree(scratch)
    return target


def init_app(app: Flask) -> None:
    """Serve the build under ``/static/`` and give templates ``asset('css/app.css')``."""
    names = manifest()
    folder = build(SOURCE, Path(app.config["SETTINGS"].data_dir) / "static", names)
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=str(folder),
        prefix="static/",
        max_age=3600,
        immutable_file_test=lambda path, url: bool(HASHED.search(url)),
        add_headers_function=_static_headers,
    )
    urls = {plain: f"/static/{hashed}" for plain, hashed in names.items()}
    app.jinja_env.globals["asset"] = urls.__getitem__


def _static_headers(headers: object, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"  # type: ignore[index]
    headers["Cross-Origin-Resource-Policy"] = "same-origin"  # type: ignore[index]
    headers["Content-Security-Policy"] = "default-src 'none'; style-src 'self'"  # type: ignore[index]
