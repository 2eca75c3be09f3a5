"""Zip files: read in memory, bounded, whatever their headers say."""

from __future__ import annotations

import io
import zipfile

import pytest

from tests.importers.conservation import FIXTURES
from webapp.importers import NotAFlow, bounds, read_flows


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_the_flows_of_a_zip_file_are_read_without_their_paths():
    old = (FIXTURES / "langflow_before_1_0.json").read_bytes()
    desk = (FIXTURES / "n8n_support.json").read_bytes().replace(b'"name": "Support desk",', b"", 1)
    content = packed(
        {"../../etc/old.json": old, "a/b/Desk.JSON": desk, "readme.txt": b"hello", "__MACOSX/x.json": b"?"}
    )
    flows = read_flows(content, "project.zip")
    assert [(flow.format, flow.graph.name) for flow in flows] == [("langflow", "Old chat"), ("n8n", "Desk")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (packed({"readme.txt": b"x"}), "holds no JSON or YAML file"),
        (packed({"a.json": b"{}"})[:-30], "broken"),
        (packed({"a.json": b'{"a": 1}'}, zipfile.ZIP_LZMA), "unusual way"),
        (packed({f"{at}.json": b"{}" for at in range(201)}), "201 flow files"),
        (packed({f"{at}.txt": b"" for at in range(1_001)}), "1,001 files"),
        (packed({"a.json": b"[1]"}), "expected a flow"),
    ],
    ids=["no flow", "broken", "unusual", "many flows", "many files", "no object"],
)
def test_what_cannot_be_read_is_refused_with_a_reason(content, reason):
    with pytest.raises(NotAFlow, match=reason):
        read_flows(content, "x.zip")


def test_a_bomb_is_refused_by_what_it_unpacks_to():
    bomb = packed({"a.json": b" " * (bounds.FILE_BYTES - 1), "b.json": b" " * 1_000_000})
    assert len(bomb) < 100_000
    with pytest.raises(NotAFlow):
        read_flows(bomb)
    one = packed({"a.json": b" " * (bounds.FILE_BYTES + 1)})
    with pytest.raises(NotAFlow, match="10 MB when unpacked"):
        read_flows(one)


def test_a_size_in_a_header_is_not_believed():
    content = bytearray(packed({"a.json": b" " * 2_000_000}, zipfile.ZIP_STORED))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        size = archive.infolist()[0].file_size.to_bytes(4, "little")
    lying = bytes(content).replace(size, (10).to_bytes(4, "little"))
    with pytest.raises(NotAFlow):
        read_flows(lying)


def test_a_protected_file_is_refused():
    content = bytearray(packed({"a.json": b"{}"}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(NotAFlow, match="password"):
        read_flows(bytes(content))
