"""Pictures that a student pasted into a Markdown cell: only PNG and JPEG, of bounded size.

A notebook holds them as the cell's attachments, and the text shows one by ``![words](attachment:name)``.
"""

import base64
import binascii
import struct
from collections.abc import Mapping
from typing import Any

SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
# Bytes of one picture, and of all pictures of a notebook: a page holds them all.
MAX_PICTURE = 2_000_000
MAX_PICTURES = 8_000_000
MAX_NAME = 200
# A few thousand bytes can be a picture of billions of pixels, for which a browser makes room.
MAX_PIXELS = 64_000_000
# Of a JPEG, the segments that hold its size: start of frame, of each kind.
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def type_of(data: bytes) -> str:
    """Return the media type that a picture's first bytes say; empty if it is neither PNG nor JPEG.

    Examples
    --------
    >>> type_of(b"\\xff\\xd8\\xff\\xe0"), type_of(b"<svg onload='alert(1)'>")
    ('image/jpeg', '')
    """
    return next((kind for kind, start in SIGNATURES.items() if data.startswith(start)), "")


def n_pixels(data: bytes) -> int:
    """Return how many pixels a PNG or JPEG says that it has; 0 if it does not say it.

    Examples
    --------
    >>> n_pixels(SIGNATURES["image/png"] + bytes(4) + b"IHDR" + bytes([0, 0, 1, 0, 0, 0, 0, 2]))
    512
    """
    if data[12:16] == b"IHDR":
        width, height = struct.unpack(">II", data[16:24].ljust(8, b"\0"))
        return int(width * height)
    place = 2  # after the mark that begins a JPEG
    while place + 9 <= len(data) and data[place] == 0xFF:
        length, _, height, width = struct.unpack(">HBHH", data[place + 2 : place + 9])
        if data[place + 1] in FRAMES:
            return int(width * height)
        place += 1 if data[place + 1] == 0xFF else 2 + length
    return 0


def attached(raw_cell: Mapping[str, Any], room: int = MAX_PICTURES) -> tuple[dict[str, str], int, int]:
    """Return the pictures that are attached to a cell, and what they take.

    Parameters
    ----------
    raw_cell : dict
        As the notebook's file holds it; whatever the student put there.
    room : int
        Bytes that the notebook's pictures may still take.

    Returns
    -------
    pictures : dict of str to str
        The address of each, which holds all of it, by its name.
    size : int
        Their bytes.
    n_refused : int
        How many attachments are not among them: too large, or neither PNG nor JPEG.
    """
    attachments = raw_cell.get("attachments")
    pictures: dict[str, str] = {}
    size = n_refused = 0
    for name, forms in attachments.items() if isinstance(attachments, dict) else ():
        data = _decoded(forms)
        kind = type_of(data)
        fits = len(data) <= min(MAX_PICTURE, room - size) and n_pixels(data) <= MAX_PIXELS
        if kind and len(name) <= MAX_NAME and fits:
            pictures[name] = f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
            size += len(data)
        else:
            n_refused += 1
    return pictures, size, n_refused


def _decoded(forms: Any) -> bytes:
    """Return the bytes of an attachment's first form; none if they cannot be read or are too many."""
    text = next(iter(forms.values()), None) if isinstance(forms, dict) else None
    if isinstance(text, list) and all(isinstance(line, str) for line in text):
        text = "".join(text)
    if not isinstance(text, str) or len(text) > MAX_PICTURE * 3 // 2:
        return b""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
