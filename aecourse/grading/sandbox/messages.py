"""Messages between the grader and its sandboxed processes: plain data, never pickles.

A frame is two lengths, a JSON header and a body of raw array bytes. Values travel as a tree
of tagged JSON lists; an array is its dtype, shape and place in the body. Only dtypes without
Python objects are accepted, so decoding runs no code that the sender chose.
"""

import json
import re
import struct

import numpy as np

LENGTHS = struct.Struct(">IQ")
MAX_HEADER = 4 * 2**20
MAX_BODY = 64 * 2**20
MAX_DEPTH = 20
MAX_NODES = 20_000
# Booleans, numbers, complex numbers, text, bytes, dates and durations.
DTYPE = re.compile(r"[<>|=]?([biufc](1|2|4|8|16)|[US]\d{1,6}|[Mm]8\[[A-Za-z]+\])")


class Malformed(ValueError):
    """A frame that no honest process would send."""


def pack(header, body=b""):
    """Return a frame as bytes.

    Raises
    ------
    ValueError
        If the frame is larger than the other side accepts.
    """
    head = json.dumps(header).encode()
    if len(head) > MAX_HEADER or len(body) > MAX_BODY:
        raise ValueError(f"a message of {len(head) + len(body):,} bytes is too large to pass on")
    return LENGTHS.pack(len(head), len(body)) + head + body


def unpack_lengths(data):
    """Return the lengths of header and body, or refuse them."""
    head, body = LENGTHS.unpack(data)
    if head > MAX_HEADER or body > MAX_BODY:
        raise Malformed(f"a frame of {head + body:,} bytes was announced")
    return head, body


def unpack_header(data):
    """Return a frame's header as a dict."""
    try:
        header = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed("a header is not JSON") from error
    if not isinstance(header, dict):
        raise Malformed("a header is not an object")
    return header


class Blocking:
    """Frames over a connected socket, for the sandboxed side, which has nothing else to do."""

    def __init__(self, socket):
        self._socket = socket

    def _exactly(self, size):
        parts = bytearray()
        while len(parts) < size:
            part = self._socket.recv(min(size - len(parts), 2**20))
            if not part:
                raise EOFError("the other side closed the connection")
            parts += part
        return bytes(parts)

    def receive(self):
        """Wait for a frame; return its header and body."""
        head, body = unpack_lengths(self._exactly(LENGTHS.size))
        return unpack_header(self._exactly(head)), self._exactly(body)

    def send(self, header, body=b""):
        """Send a frame."""
        self._socket.sendall(pack(header, body))


class Encoder:
    """Turn values into a tree and a body; objects that are not plain data become handles.

    Parameters
    ----------
    keep : callable, optional
        Given an object, returns the number under which the other side may refer to it.
        Without it such an object is an error.
    """

    def __init__(self, keep=None):
        self._keep = keep
        self._parts = []
        self._size = 0
        self._nodes = 0

    @property
    def body(self):
        return b"".join(self._parts)

    def _array(self, array):
        array = np.ascontiguousarray(array) if array.ndim else np.asarray(array)
        if not DTYPE.fullmatch(array.dtype.str):
            return None
        if self._size + array.nbytes > MAX_BODY:
            raise ValueError(f"an array of {array.nbytes:,} bytes is too large to pass on")
        start = self._size
        self._parts.append(array.tobytes())
        self._size += array.nbytes
        return ["array", array.dtype.str, list(array.shape), start]

    def encode(self, value, depth=0):
        """Return the tree of one value."""
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise ValueError("a value is nested too deeply, or has too many parts, to pass on")
        kind = type(value)
        if value is None or kind in (bool, str):
            return ["plain", value]
        if kind is int:
            return (
                ["int", str(value)] if value.bit_length() < 10_000 else ["handle", self._kept(value), "int"]
            )
        if kind is float:
            return ["float", value.hex()]
        if kind in (list, tuple):
            return [kind.__name__, [self.encode(item, depth + 1) for item in value]]
        if kind is dict:
            pairs = [
                [self.encode(key, depth + 1), self.encode(item, depth + 1)] for key, item in value.items()
            ]
            return ["dict", pairs]
        if isinstance(value, (np.ndarray, np.generic)):
            tree = self._array(np.asarray(value))
            if tree is not None:
                return ["scalar", *tree[1:]] if isinstance(value, np.generic) else tree
        return self._other(value, kind, depth)

    def _other(self, value, kind, depth):
        module = str(getattr(kind, "__module__", "")).split(".")[0]
        if module == "pandas" and kind.__name__ == "DataFrame":
            columns = [self.encode(value[name].to_numpy(), depth + 1) for name in value.columns]
            return ["frame", self.encode(list(value.columns), depth + 1), columns]
        if module == "pandas" and kind.__name__ in ("Series", "Index"):
            return self.encode(value.to_numpy(), depth + 1)
        if module in ("tensorflow", "jax") and hasattr(value, "numpy"):
            return self.encode(np.asarray(value), depth + 1)
        return ["handle", self._kept(value), str(kind.__name__)[:80]]

    def _kept(self, value):
        if self._keep is None:
            raise TypeError(f"a value of type {type(value).__name__} cannot be passed on")
        return self._keep(value)


def _decode_array(dtype, shape, start, body):
    if not (isinstance(dtype, str) and DTYPE.fullmatch(dtype)):
        raise Malformed("a dtype is not allowed")
    if not (isinstance(shape, list) and len(shape) <= 32 and all(type(n) is int and n >= 0 for n in shape)):
        raise Malformed("a shape is not a list of sizes")
    kind, count = np.dtype(dtype), 1
    for size in shape:
        count *= size
    if type(start) is not int or start < 0 or start + count * kind.itemsize > len(body):
        raise Malformed("an array is outside the body")
    return np.frombuffer(body, kind, count, start).reshape(shape).copy()


def decode(tree, body, handle=None, depth=0):
    """Return the value that a tree describes, in plain types only.

    Parameters
    ----------
    tree : list
        As made by :class:`Encoder`, or by a process that forges one.
    body : bytes
        The raw bytes of the arrays.
    handle : callable, optional
        Given a number and a type's name, returns what stands for a remote object.

    Raises
    ------
    Malformed
        If the tree is not one that an encoder makes.
    """
    if depth > MAX_DEPTH + 2 or not isinstance(tree, list) or not tree or not isinstance(tree[0], str):
        raise Malformed("a value is not tagged")
    tag, rest = tree[0], tree[1:]
    try:
        if tag == "plain" and (rest[0] is None or type(rest[0]) in (bool, str)):
            return rest[0]
        if tag == "int" and len(rest[0]) < 4000:
            return int(rest[0])
        if tag == "float":
            return float.fromhex(rest[0])
        if tag in ("list", "tuple"):
            items = [decode(item, body, handle, depth + 1) for item in rest[0]]
            return items if tag == "list" else tuple(items)
        if tag == "dict":
            pairs = rest[0]
            return {decode(k, body, handle, depth + 1): decode(v, body, handle, depth + 1) for k, v in pairs}
        if tag == "array":
            return _decode_array(*rest, body)
        if tag == "scalar":
            return _decode_array(*rest, body)[()]
        if tag == "frame":
            import pandas

            names = decode(rest[0], body, handle, depth + 1)
            columns = [decode(column, body, handle, depth + 1) for column in rest[1]]
            frame = pandas.DataFrame(dict(enumerate(columns)))
            frame.columns = names
            return frame
        if tag == "handle" and handle is not None and type(rest[0]) is int and isinstance(rest[1], str):
            return handle(rest[0], rest[1])
    except Malformed:
        raise
    except Exception as error:  # whatever a forged tree provokes is a malformed tree
        raise Malformed(f"a value tagged {tag!r} does not decode") from error
    raise Malformed(f"a value tagged {tag[:20]!r} is not allowed")
