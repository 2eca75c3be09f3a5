"""The body of an export: read in pieces, inflated, and never beyond the limit, whatever the headers promise."""

from __future__ import annotations

import zlib
from typing import BinaryIO

PIECE_BYTES = 65_536
# A refused body is read on up to this many times the limit, so that the sender gets the answer instead of a reset.
DRAIN_FACTOR = 4


class TooLarge(Exception):
    """The body is larger than the limit, as sent or inflated."""


class BadEncoding(Exception):
    """The body is not what its Content-Encoding says."""


class CutShort(Exception):
    """The sender went away before the body was complete; a part of it may look like a whole one."""


class UnknownEncoding(Exception):
    """The Content-Encoding is not one that we read."""


def read_body(stream: BinaryIO, encoding: str, limit: int, length: int | None = None) -> bytes:
    """Return the whole inflated body.

    ``encoding`` is the Content-Encoding header, ``length`` the Content-Length, None for a chunked body; servers cut a
    chunked body silently at their own limit, so the stream is read here, piece by piece.

    Raises: TooLarge, BadEncoding, CutShort, UnknownEncoding.
    """
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise UnknownEncoding(encoding)
    if length is not None and length > limit:
        _drain(stream, limit)
        raise TooLarge
    if encoding in ("", "identity"):
        return _plain(stream, limit, length)
    return _inflated(stream, limit, length)


def _plain(stream: BinaryIO, limit: int, length: int | None) -> bytes:
    pieces, size = [], 0
    while piece := stream.read(PIECE_BYTES):
        size += len(piece)
        if size > limit:
            _drain(stream, limit)
            raise TooLarge
        pieces.append(piece)
    if length is not None and size < length:
        raise CutShort
    return b"".join(pieces)


def _inflated(stream: BinaryIO, limit: int, length: int | None) -> bytes:
    """Inflate with a bound on each step, so that a bomb is noticed at the limit and not when memory is gone."""
    pieces, size, received = [], 0, 0
    inflater = _gzip()
    while piece := stream.read(PIECE_BYTES):
        received += len(piece)
        while piece:
            try:
                part = inflater.decompress(piece, limit + 1 - size)
            except zlib.error as error:
                raise BadEncoding(str(error)) from error
            size += len(part)
            if size > limit or received > limit:
                _drain(stream, limit)
                raise TooLarge
            pieces.append(part)
            piece = inflater.unconsumed_tail
            if inflater.eof:  # A gzip file may be several, one after the other.
                piece = inflater.unused_data
                inflater = _gzip() if piece else inflater
    if length is not None and received < length:
        raise CutShort
    if not inflater.eof:
        raise BadEncoding("the gzip stream ends too early")
    return b"".join(pieces)


def _gzip():
    return zlib.decompressobj(wbits=31)


def _drain(stream: BinaryIO, limit: int) -> None:
    left = DRAIN_FACTOR * limit
    while left > 0 and (piece := stream.read(PIECE_BYTES)):
        left -= len(piece)
