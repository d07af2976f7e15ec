"""A queue of Python objects, pickled.

Unpickling runs what the sender says. Use it only where everybody who may write to the queue may also run code as you:
by default that is yourself (the file is yours alone, 0o600). Other languages see the pickles.
"""

from __future__ import annotations

from typing import Any

from .codecs import Pickle
from .typed import TypedQueue

__all__ = ["ObjectQueue"]


class ObjectQueue(TypedQueue[Any]):
    """A TypedQueue whose items are any objects that can be pickled. What comes out is equal."""

    def __init__(self, name: str, capacity: int = 0, max_message_size: int = 0, **more: Any) -> None:
        super().__init__(name, capacity, max_message_size, **{"codec": Pickle(), **more})
