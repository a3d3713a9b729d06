"""What attacks on the connection have in common: the notebook holds the source of what they use."""

# ruff: noqa: F821 (attackers write as they like)


def the_kernel():
    """The object that answers the examiner, and holds the connection."""
    import gc

    return next(thing for thing in gc.get_objects() if type(thing).__name__ == "StudentKernel")


def say(*answer):
    """Send an answer as the kernel does."""
    from mbrl_teach.grading.kernel.plain_data import pack

    the_kernel().connection.send_bytes(pack(answer))


def extension(code, data):
    """An extension of msgpack's."""
    import msgpack

    return msgpack.packb(msgpack.ExtType(code, data))


class Touch:
    """A pickle that writes a file where it is read."""

    def __reduce__(self):
        return exec, (f"open({CANARY + '.touched'!r}, 'w').close()",)


ALL = {"uses": (the_kernel, say), "costs": True}


def send_value(data):
    """Answer a call by a value that is already packed."""
    import msgpack

    answer = b"\x93" + msgpack.packb("value") + data + msgpack.packb("")
    the_kernel().connection.send_bytes(msgpack.packb(msgpack.ExtType(0, answer)))


RAW = {"uses": (the_kernel, say, extension, send_value), "costs": True}
