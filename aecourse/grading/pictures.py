"""Pictures that a student pasted into a Markdown cell: only PNG and JPEG, of bounded size.

A notebook holds them as the cell's attachments, and the text shows one by ``![words](attachment:name)``.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
# Bytes of one picture, and of all pictures of a notebook: a page holds them all.
MAX_PICTURE = 2_000_000
MAX_PICTURES = 8_000_000
MAX_NAME = 200


def type_of(data: bytes) -> str:
    """Return the media type that a picture's first bytes say; empty if it is neither PNG nor JPEG.

    Examples
    --------
    >>> type_of(b"\\xff\\xd8\\xff\\xe0"), type_of(b"<svg onload='alert(1)'>")
    ('image/jpeg', '')
    """
    return next((kind for kind, start in SIGNATURES.items() if data.startswith(start)), "")


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
        if kind and len(name) <= MAX_NAME and len(data) <= min(MAX_PICTURE, room - size):
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
