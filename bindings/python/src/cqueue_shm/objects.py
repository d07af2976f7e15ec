"""A queue of Python objects, pickled.

Unpickling runs what the sender says. Use it only where everybody who may write to the queue may also run code as you:
by default that is yourself (the file is yours alone, 0o600). Other languages see the pickles.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from typing import Any

from .queue import Queue

__all__ = ["ObjectQueue"]


class ObjectQueue(Queue):
    """A Queue whose put() takes any object that can be pickled, and whose get() returns an equal one.

    max_message_size limits the pickle. get_into(), take(), reserve() and walk() stay below that: they deal in bytes.
    """

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(pickle.dumps(item, pickle.HIGHEST_PROTOCOL), block, timeout)

    def put_nowait(self, item: Any) -> None:
        self.put(item, block=False)

    def put_many(self, items: Iterable[Any], block: bool = True, timeout: float | None = None) -> None:
        super().put_many([pickle.dumps(item, pickle.HIGHEST_PROTOCOL) for item in items], block, timeout)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        return pickle.loads(super().get(block, timeout))

    def get_nowait(self) -> Any:
        return self.get(block=False)

    def get_many(self, count: int = 64, block: bool = True, timeout: float | None = None) -> list[Any]:
        return [pickle.loads(pickled) for pickled in self._get_bytes(count, block, timeout)]
