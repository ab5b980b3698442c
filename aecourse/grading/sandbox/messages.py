"""Messages between the grader and its sandboxed processes: plain data, never pickles.

A frame is two lengths, a JSON header and a body of raw array bytes. A value travels as a tree
of tagged JSON lists; an array is its dtype, its shape and its place in the body. Only dtypes without
Python objects are accepted, so decoding runs no code that the sender chose.

Both sides use this module, so it imports nothing of the grader.
"""

import decimal
import json
import numbers
import re
import socket
import struct
from collections.abc import Callable, Iterable, KeysView, ValuesView
from typing import Any

import numpy as np
from numpy.typing import NDArray

LENGTHS = struct.Struct(">IQ")
MAX_HEADER = 4 * 2**20
MAX_BODY = 128 * 2**20
MAX_DEPTH = 20
MAX_NODES = 100_000
# A longer list of floats travels as an array, so that rows of many columns are few parts.
SHORT = 8
MAX_KINDS = 20
# Booleans, numbers, complex numbers, text, bytes, dates and durations.
DTYPE = re.compile(r"[<>|=]?([biufc](1|2|4|8|16)|[US]\d{1,6}|[Mm]8\[[A-Za-z]+\])")

Header = dict[str, Any]
Tree = list[Any]


class NamedRow(tuple):
    """A named tuple as it arrives: its items, and the names of its fields."""

    _fields: list[str]

    def __new__(cls, names: Iterable[str], items: Iterable[Any]) -> "NamedRow":
        row = super().__new__(cls, items)
        row._fields = list(names)
        return row

    def _asdict(self) -> dict[str, Any]:
        """Return the items by the names of their fields."""
        return dict(zip(self._fields, self, strict=False))


class Malformed(ValueError):
    """A frame that no honest process would send."""


def pack(header: Header, body: bytes = b"") -> bytes:
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


def unpack_lengths(data: bytes) -> tuple[int, int]:
    """Return the lengths of header and body.

    Raises
    ------
    Malformed
        If one is larger than :func:`pack` allows.
    """
    head, body = LENGTHS.unpack(data)
    if head > MAX_HEADER or body > MAX_BODY:
        raise Malformed(f"a frame of {head + body:,} bytes was announced")
    return head, body


def unpack_header(data: bytes) -> Header:
    """Return a frame's header.

    Raises
    ------
    Malformed
        If it is not a JSON object.
    """
    try:
        header = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed("a header is not JSON") from error
    if not isinstance(header, dict):
        raise Malformed("a header is not an object")
    return header


class BlockingChannel:
    """Frames over a connected socket, for the sandboxed side, which has nothing else to do."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = self._connection.recv(min(size - len(data), 2**20))
            if not part:
                raise EOFError("the other side closed the connection")
            data += part
        return bytes(data)

    def receive(self) -> tuple[Header, bytes]:
        """Wait for a frame; return its header and body."""
        head, body = unpack_lengths(self._exactly(LENGTHS.size))
        return unpack_header(self._exactly(head)), self._exactly(body)

    def send(self, header: Header, body: bytes = b"") -> None:
        """Send a frame."""
        self._connection.sendall(pack(header, body))


class Encoder:
    """Turn values into trees and one body; objects that are not plain data become handles.

    Parameters
    ----------
    keep : callable, optional
        Given an object, returns the number under which the other side may refer to it.
        Without it such an object is an error.
    """

    def __init__(self, keep: Callable[[Any], int] | None = None) -> None:
        self._keep = keep
        self._parts: list[bytes] = []
        self._size = 0
        self._nodes = 0

    @property
    def body(self) -> bytes:
        """The bytes of all arrays encoded so far."""
        return b"".join(self._parts)

    def encode(self, value: Any, depth: int = 0) -> Tree:
        """Return the tree of one value.

        Raises
        ------
        TypeError
            If the value is not plain data and there is no ``keep``.
        ValueError
            If it is larger or more deeply nested than a frame may be.
        """
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise ValueError("a value is nested too deeply, or has too many parts, to pass on")
        kind = type(value)
        if value is None or kind in (bool, str):
            return ["plain", value]
        if kind is int and value.bit_length() < 10_000:
            return ["int", str(value)]
        if kind is float:
            return ["float", value.hex()]
        if isinstance(value, (np.ndarray, np.generic)) and DTYPE.fullmatch(np.asarray(value).dtype.str):
            tag = "scalar" if isinstance(value, np.generic) else "array"
            return [tag, *self._place(np.asarray(value))]
        if isinstance(value, np.ndarray) and value.dtype == object:
            return ["objects", list(value.shape), self.encode(value.reshape(-1).tolist(), depth + 1)]
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return ["named", [str(name) for name in value._fields], self._items(value, depth)]
        if kind is list and len(value) > SHORT and set(map(type, value)) == {float}:
            return ["floats", *self._place(np.array(value))]
        if isinstance(value, (tuple, list, range, KeysView, ValuesView)):
            return ["tuple" if isinstance(value, tuple) else "list", self._items(value, depth)]
        if isinstance(value, dict):
            return ["dict", [self._items(pair, depth) for pair in dict.items(value)]]
        return self._encode_other(value, kind, depth)

    def _items(self, values: Iterable[Any], depth: int) -> list[Tree]:
        return [self.encode(item, depth + 1) for item in values]

    def _place(self, array: NDArray[Any]) -> tuple[str, list[int], int]:
        """Append an array to the body; return its dtype, its shape and its start there."""
        if self._size + array.nbytes > MAX_BODY:
            raise ValueError(f"an array of {array.nbytes:,} bytes is too large to pass on")
        start = self._size
        self._parts.append(array.tobytes())
        self._size += array.nbytes
        return array.dtype.str, list(array.shape), start

    def _encode_other(self, value: Any, kind: type, depth: int) -> Tree:
        # By the name of its module: to compare with pandas' own classes, pandas would have to be imported.
        module = str(getattr(kind, "__module__", "")).split(".")[0]
        if module == "pandas" and kind.__name__ == "DataFrame":
            columns = [value.iloc[:, place].to_numpy() for place in range(value.shape[1])]
            # The usual index, 0 to n - 1, is not sent.
            named = value.index.names != [None] or value.index.dtype.kind not in "iu"
            index = [list(value.index), list(value.index.names)] if named else None
            return [
                "frame",
                self.encode(list(value.columns), depth + 1),
                self._items(columns, depth),
                self.encode(index, depth + 1),
            ]
        if module == "pandas" and kind.__name__ == "Series" and value.index.dtype.kind not in "iuM":
            return ["series", self.encode(value.to_numpy(), depth + 1), self.encode(list(value.index), depth)]
        if module == "pandas" and kind.__name__ in ("Series", "Index"):
            return self.encode(value.to_numpy(), depth + 1)
        if module in ("tensorflow", "keras", "jax") and hasattr(value, "numpy"):
            return self.encode(np.asarray(value), depth + 1)
        if isinstance(value, (numbers.Real, decimal.Decimal)) and not isinstance(value, np.generic):
            return ["float", float(value).hex()]
        if isinstance(value, str):
            return ["plain", str.__str__(value)]
        if self._keep is None:
            raise TypeError(f"a value of type {kind.__name__} cannot be passed on")
        return ["handle", self._keep(value), _kinds(kind)]


def _kinds(kind: type) -> list[str]:
    """Return package and name of a class and of those above it."""
    classes = type.mro(kind)[:MAX_KINDS] if isinstance(kind, type) else []
    return [f"{str(each.__module__).split('.')[0]}.{each.__name__}"[:80] for each in classes]


class _Decoder:
    """Turn trees into values: one method for each tag, given what follows the tag.

    What a method raises for a forged tree counts as :class:`Malformed`.
    """

    def __init__(self, body: bytes, handle: Callable[[int, list[str]], Any] | None) -> None:
        self._body = body
        self._handle = handle
        self._depth = 0
        self._unread = len(body)
        self._by_tag: dict[str, Callable[..., Any]] = {
            "plain": self._plain,
            "int": self._int,
            "float": float.fromhex,
            "list": self._list,
            "floats": lambda dtype, shape, start: self._array(dtype, shape, start).tolist(),
            "tuple": lambda items: tuple(self._list(items)),
            "dict": lambda pairs: {self.decode(key): self.decode(value) for key, value in pairs},
            "named": self._named,
            "objects": self._objects,
            "array": self._array,
            "scalar": lambda dtype, shape, start: self._array(dtype, shape, start)[()],
            "frame": self._frame,
            "series": self._series,
            "handle": self._remote,
        }

    def decode(self, tree: Any) -> Any:
        if (
            self._depth > MAX_DEPTH + 2
            or not isinstance(tree, list)
            or not tree
            or not isinstance(tree[0], str)
        ):
            raise Malformed("a value is not tagged")
        tag, *rest = tree
        if tag not in self._by_tag:
            raise Malformed(f"a value tagged {tag[:20]!r} is not allowed")
        self._depth += 1
        try:
            return self._by_tag[tag](*rest)
        except Malformed:
            raise
        except Exception as error:
            raise Malformed(f"a value tagged {tag!r} does not decode") from error
        finally:
            self._depth -= 1

    def _plain(self, value: Any) -> bool | str | None:
        if value is not None and type(value) not in (bool, str):
            raise Malformed("a plain value is neither text, nor a truth value, nor nothing")
        return value

    def _int(self, digits: str) -> int:
        if len(digits) >= 4000:
            raise Malformed("an integer is too long")
        return int(digits)

    def _list(self, items: list[Tree]) -> list[Any]:
        return [self.decode(item) for item in items]

    def _array(self, dtype: Any, shape: Any, start: Any) -> NDArray[Any]:
        if not (isinstance(dtype, str) and DTYPE.fullmatch(dtype)):
            raise Malformed("a dtype is not allowed")
        if not (
            isinstance(shape, list) and len(shape) <= 32 and all(type(n) is int and n >= 0 for n in shape)
        ):
            raise Malformed("a shape is not a list of sizes")
        kind, count = np.dtype(dtype), 1
        for size in shape:
            count *= size
        n_bytes = count * kind.itemsize
        if type(start) is not int or start < 0 or start + n_bytes > len(self._body):
            raise Malformed("an array is outside the body")
        # Each is copied: a small frame could otherwise name one large place thousands of times.
        self._unread -= n_bytes
        if self._unread < 0:
            raise Malformed("arrays overlap")
        return np.frombuffer(self._body, kind, count, start).reshape(shape).copy()

    def _named(self, names: Any, items: list[Tree]) -> "NamedRow":
        if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
            raise Malformed("a name of a field is not text")
        return NamedRow(names, self._list(items))

    def _objects(self, shape: list[int], tree: Tree) -> NDArray[Any]:
        items = list(self.decode(tree))
        array = np.empty(len(items), dtype=object)
        for place, item in enumerate(items):
            array[place] = item
        return array.reshape(shape)

    def _frame(self, names: Tree, columns: list[Tree], labels: Tree) -> Any:
        import pandas

        frame = pandas.DataFrame(dict(enumerate(self._list(columns))))
        frame.columns = self.decode(names)
        index = self.decode(labels)
        if index is not None:
            frame.index = pandas.Index(index[0])
            frame.index.names = index[1]
        return frame

    def _series(self, values: Tree, labels: Tree) -> Any:
        import pandas

        return pandas.Series(self.decode(values), index=self.decode(labels))

    def _remote(self, number: Any, kinds: Any) -> Any:
        if self._handle is None or type(number) is not int:
            raise Malformed("a handle is not allowed")
        if not (isinstance(kinds, list) and all(isinstance(kind, str) for kind in kinds)):
            raise Malformed("the kinds of an object are not text")
        return self._handle(number, kinds)


def decode(tree: Any, body: bytes, handle: Callable[[int, list[str]], Any] | None = None) -> Any:
    """Return the value that a tree describes, in plain types only.

    Parameters
    ----------
    tree : list
        As made by :class:`Encoder`, or by a process that forges one.
    body : bytes
        The raw bytes of the arrays.
    handle : callable, optional
        Given a number and the names of an object's kinds, returns what represents a remote object.

    Returns
    -------
    object

    Raises
    ------
    Malformed
        If the tree is not one that an encoder makes.

    Examples
    --------
    >>> encoder = Encoder()
    >>> tree = encoder.encode({"scores": np.array([0.5, 2.0])})
    >>> decode(tree, encoder.body)
    {'scores': array([0.5, 2. ])}
    """
    return _Decoder(body, handle).decode(tree)
