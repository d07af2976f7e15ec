"""Region files as text, so that they can be kept and compared: `size N`, then offset and 32 bytes in hex where not all are 0.

    sparse.py FILE >TEXT
"""

import os
import sys

ROW = 32
PIECE = 1 << 16


def dump(path):
    """The lines of a file's text."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        yield f"size {size}"
        at = 0
        while at < size:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA) // ROW * ROW
            except OSError:  # nothing but a hole is left
                return
            piece = os.pread(file.fileno(), PIECE, at)
            for start in range(0, len(piece), ROW):
                row = piece[start : start + ROW]
                if any(row):
                    yield f"{at + start:x} {row.hex()}"
            at += len(piece)


def restore(lines, path):
    """The file of a text, readable and writable by its owner alone, as regions are."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb", buffering=0) as file:
        for line in lines:
            word, value = line.split()
            if word == "size":
                file.truncate(int(value))
            else:
                os.pwrite(descriptor, bytes.fromhex(value), int(word, 16))


if __name__ == "__main__":
    for text in dump(sys.argv[1]):
        print(text)
