"""Reads the members of a zip file in memory: no path of it is used, and what it may hold is bounded."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator

from webapp.importers import bounds
from webapp.importers.imported import NotAFlow

SIGN = b"PK\x03\x04"
MOST_MEMBERS = 1_000
_ENDINGS = (".json", ".yml", ".yaml")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_STEP = 64 * 1024


def is_zip(content: bytes) -> bool:
    """Whether a file's content begins as a zip file."""
    return content.startswith(SIGN)


def members(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of each flow file in a zip file, in its order. Other files in it are left alone.

    Raises:
        NotAFlow: it is broken, protected, holds no flow file, or is past one of the bounds when unpacked.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError, OverflowError):
        raise NotAFlow("The zip file is broken.") from None
    if len(infos) > MOST_MEMBERS:
        raise NotAFlow(f"The zip file holds {len(infos):,} files; at most {MOST_MEMBERS:,} are looked at.")
    wanted = [info for info in infos if info.filename.lower().endswith(_ENDINGS) and "__MACOSX" not in info.filename]
    if not wanted:
        raise NotAFlow("The zip file holds no JSON or YAML file.")
    if len(wanted) > bounds.FLOWS:
        raise NotAFlow(f"The zip file holds {len(wanted):,} flow files; at most {bounds.FLOWS} are read at once.")
    left = bounds.FILE_BYTES
    for info in wanted:
        unpacked = _unpack(archive, info, left)
        left -= len(unpacked)
        yield info.filename, unpacked


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int) -> bytes:
    """A member's content; what its header says of its size is not believed."""
    if info.flag_bits & 1:
        raise NotAFlow("The zip file is protected by a password.")
    if info.compress_type not in _METHODS:
        raise NotAFlow("The zip file is packed in an unusual way; pack it again with the usual one.")
    parts: list[bytes] = []
    size = 0
    try:
        with archive.open(info) as member:
            while size <= left and (part := member.read(_STEP)):
                size += len(part)
                parts.append(part)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError):
        raise NotAFlow("The zip file is broken.") from None
    if size > left:
        most = bounds.FILE_BYTES // 1024 // 1024
        raise NotAFlow(f"The zip file is larger than {most} MB when unpacked, which is the most that is read.")
    return b"".join(parts)
