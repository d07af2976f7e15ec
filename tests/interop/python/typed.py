"""The modes put-typed and get-typed: a value in a format that all languages have."""

from cqueue_shm import DecodeError, Flags, TypedQueue
from cqueue_shm.codecs import JSON, Fixed

CODECS = {"json": JSON(), "struct": Fixed("id8s")}  # struct { int32_t id; double price; char name[8]; }
ITEMS = {"json": {"id": 7, "name": "tea", "price": 2.5}, "struct": (7, 2.5, b"tea")}


def shown(item):
    if isinstance(item, dict):
        return f"{item['id']} {item['name']} {item['price']}"
    number, price, name = item
    return f"{number} {name.rstrip(bytes(1)).decode()} {price}"


def attach(arguments):
    codec = CODECS[arguments.format]
    return TypedQueue(arguments.name, codec=codec, flags=Flags.ATTACH, directory=arguments.directory)


def run_put(arguments):
    with attach(arguments) as queue:
        for _ in range(arguments.count):
            queue.put(ITEMS[arguments.format])


def run_get(arguments):
    with attach(arguments) as queue:
        for _ in range(arguments.count):
            try:
                with queue.take(timeout=10) as message:  # given back, if an error leaves the block
                    print(shown(queue.decode(message)))
            except DecodeError as error:
                print("undecodable", error.data.hex())
