"""Messages in place: read where they lie, or written there, without a copy."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from . import _raw

if TYPE_CHECKING:
    from .queue import Queue


class Message(_raw.Loan):
    """A message that was taken and stays ours until release(). Made by Queue.take().

    In a `with` statement it is released at the end, or given back if an exception leaves the block. One that is dropped
    without either, or whose process dies, is delivered again: `deliveries` counts.
    """

    __slots__ = ()

    if TYPE_CHECKING:  # of the base class, where it is a handle

        @property
        def queue(self) -> Queue: ...

    def release(self) -> None:
        """Done with it: it is gone, and `data` is dead."""
        self.queue._check(_raw.cq_release(self.queue, self))

    def give_back(self) -> None:
        """Not done with it: it is delivered again, before newer messages, with one delivery more."""
        self.queue._check(_raw.cq_return(self.queue, self))

    def __enter__(self) -> Message:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.held:
            return
        if kind is None:
            self.release()
        else:
            self.give_back()

    def __repr__(self) -> str:
        return f"<Message of {self.queue.name!r} at {self.position}, delivery {self.deliveries}, held: {self.held}>"


class Reservation(_raw.Loan):
    """Room for a message, to be written in place until commit(). Made by Queue.reserve().

    In a `with` statement it is committed at the end, or aborted if an exception leaves the block. One that is dropped
    without either is aborted.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def queue(self) -> Queue: ...

    def commit(self, size: int | None = None) -> None:
        """Send it, the first `size` bytes of it (None: all). Full is rare and leaves it reserved."""
        wanted = self.size if size is None else size
        self.queue._check(_raw.cq_commit(self.queue, self, wanted), wanted)

    def abort(self) -> None:
        """Give the room up: nothing is sent."""
        self.queue._check(_raw.cq_abort(self.queue, self))

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.held:
            return
        if kind is None:
            self.commit()
        else:
            self.abort()

    def __repr__(self) -> str:
        return f"<Reservation of {self.size} bytes in {self.queue.name!r}, held: {self.held}>"
