"""Who holds a port."""

import os
import socket

from twin_local.ports import LOOPBACK, free_port, holder


def test_a_free_port_has_no_holder() -> None:
    assert holder(free_port()) is None


def test_a_busy_one_is_named() -> None:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        assert str(os.getpid()) in (holder(listener.getsockname()[1]) or "")
