"""What the messages of a TypedQueue are made of. Each language has JSON and Fixed, in the same bytes.

A codec is any object with encode(item) -> bytes-like and decode(bytes) -> item; what decode() raises is DecodeError's
cause.
"""

from __future__ import annotations

import json
import pickle
import struct
import sys
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, TypeVar

from .errors import counted

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["JSON", "Codec", "Fixed", "Pickle"]

T = TypeVar("T")


class Codec(Protocol[T]):
    def encode(self, item: T, /) -> Buffer: ...

    def decode(self, data: bytes, /) -> T: ...


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no value of JSON")


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_refuse)


class JSON:
    """One value a message, in UTF-8. NaN and infinities are none."""

    def encode(self, item: Any, /) -> bytes:
        return _ENCODER.encode(item).encode()

    def decode(self, data: bytes, /) -> Any:
        return _DECODER.decode(data.decode())


class Pickle:
    """Any Python object. Unpickling runs what the sender says: only for queues that nobody else may write to."""

    def encode(self, item: Any, /) -> bytes:
        return pickle.dumps(item, pickle.HIGHEST_PROTOCOL)

    def decode(self, data: bytes, /) -> Any:
        return pickle.loads(data)


class Fixed(Generic[T]):
    """A C struct, byte for byte: fields in order, little-endian, each aligned as C aligns it.

    kind: a ctypes.Structure (items are instances of it), a numpy dtype made with align=True (items are scalars of it),
    or a format of the struct module (items are tuples). "@" is its native layout, to which the padding at the end is
    added here.
    """

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._codec: _Format | _Structure | _Scalar
        if isinstance(kind, str):
            self._codec = _Format(kind)
        elif _is_structure(kind):
            self._codec = _Structure(kind)
        elif hasattr(kind, "itemsize"):
            self._codec = _Scalar(kind)
        else:
            raise TypeError("Fixed takes a ctypes.Structure, a numpy dtype or a format of the struct module")

    def __reduce__(self) -> tuple[type[Fixed[T]], tuple[Any]]:
        return type(self), (self._kind,)

    @property
    def size(self) -> int:
        """Bytes of a message: what max_message_size has to be at least."""
        return self._codec.size

    def encode(self, item: T, /) -> bytes:
        return self._codec.encode(item)

    def decode(self, data: bytes, /) -> T:
        if len(data) != self.size:
            raise ValueError(f"{counted(len(data), 'byte')}, where the struct has {self.size}")
        item: T = self._codec.decode(data)
        return item


def _is_structure(kind: Any) -> bool:
    """Whoever has a ctypes.Structure has ctypes; else it is not imported, since some interpreters refuse it."""
    ctypes = sys.modules.get("ctypes")
    return ctypes is not None and isinstance(kind, type) and issubclass(kind, ctypes.Structure)


class _Format:
    def __init__(self, layout: str) -> None:
        self._struct = struct.Struct(layout)
        if layout[:1] not in "<>=!":  # native: C pads the end to the largest alignment
            fields = layout.lstrip("@")
            kinds = {kind for kind in fields if kind.isalpha() and kind not in "sxp"}
            largest = max((struct.calcsize("c" + kind) - struct.calcsize(kind) for kind in kinds), default=1)
            padding = -self._struct.size % largest
            self._struct = struct.Struct(f"@{fields}{padding}x" if padding else f"@{fields}")
        self.size = self._struct.size

    def encode(self, item: Any) -> bytes:
        return self._struct.pack(*item)

    def decode(self, data: bytes) -> Any:
        return self._struct.unpack(data)


class _Structure:
    def __init__(self, kind: Any) -> None:
        self._type = kind
        self.size: int = sys.modules["ctypes"].sizeof(kind)

    def encode(self, item: Any) -> bytes:
        if not isinstance(item, self._type):
            raise TypeError(f"a {self._type.__name__} is required, not {type(item).__name__}")
        return bytes(item)

    def decode(self, data: bytes) -> Any:
        return self._type.from_buffer_copy(data)


class _Scalar:
    def __init__(self, dtype: Any) -> None:
        self._dtype = dtype
        self.size: int = dtype.itemsize

    def encode(self, item: Any) -> bytes:
        import numpy  # whoever has a dtype has it

        data = bytearray(self.size)
        _fill(numpy.frombuffer(data, self._dtype), item)
        return bytes(data)

    def decode(self, data: bytes) -> Any:
        import numpy

        return numpy.frombuffer(data, self._dtype)[0]


def _fill(array: Any, item: Any) -> None:
    """Field by field: the padding stays zero, where assigning the whole would copy what the memory held before."""
    if array.dtype.names is None:
        array[...] = item
    else:
        for number, name in enumerate(array.dtype.names):
            _fill(array[name], item[number])
