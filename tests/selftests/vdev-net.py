#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""Sends frames and looks at what comes back.

vdev-net.py echo INTERFACE LENGTH...: frames of so many bytes to the station of tests/host/vdev,
    which sends them back. Each comes back as it was, in order, with the addresses swapped.
vdev-net.py serve ADDRESS: takes one connection, and sends back all that comes.
vdev-net.py connect ADDRESS BYTES: sends so many random bytes there, and compares.
"""

import os
import socket
import sys
import threading
import time

# For experiments: nothing else in the guest knows of it.
KIND = 0x88B5
STATION = bytes.fromhex("5254007664ff")
PORT = 7
# Seconds for an answer. Emulation on a busy machine takes its time.
PATIENCE = 10


def frames(interface):
    """A socket for the frames of an interface."""
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(KIND))
    raw.bind((interface, KIND))
    raw.settimeout(PATIENCE)
    with open(f"/sys/class/net/{interface}/address") as file:
        return raw, bytes.fromhex(file.read().strip().replace(":", ""))


def receive(raw):
    """The next frame that somebody else sent."""
    while True:
        frame, (_, _, kind, _, _) = raw.recvfrom(1 << 16)
        if kind != socket.PACKET_OUTGOING:
            return frame


def echo(interface, *lengths):
    raw, own = frames(interface)
    kind = KIND.to_bytes(2, "big")
    for length in map(int, lengths):
        payload = os.urandom(length - 14)
        raw.send(STATION + own + kind + payload)
        frame = receive(raw)
        if frame != own + STATION + kind + payload:
            sys.exit(f"of {length} bytes: {len(frame)} came back, {frame[:64].hex(' ')}")
    # Many at once: none is lost, as long as there are no more than there are buffers for.
    payloads = [bytes([i]) * (60 + i) for i in range(24)]
    for payload in payloads:
        raw.send(STATION + own + kind + payload)
    for payload in payloads:
        frame = receive(raw)
        if frame != own + STATION + kind + payload:
            sys.exit(f"of many at once: {frame[:64].hex(' ')} for {payload[:1].hex()}")


def serve(address):
    with socket.create_server((address, PORT)) as server:
        server.settimeout(6 * PATIENCE)
        peer, _ = server.accept()
        peer.settimeout(6 * PATIENCE)
        while piece := peer.recv(1 << 16):
            peer.sendall(piece)


def connect(address, count):
    data = os.urandom(int(count))
    end = time.monotonic() + 3 * PATIENCE
    while True:
        try:
            peer = socket.create_connection((address, PORT), PATIENCE)
            break
        except OSError:
            # It may not be there yet.
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
    peer.settimeout(6 * PATIENCE)

    def send():
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    back = bytearray()
    while piece := peer.recv(1 << 16):
        back += piece
    if back != data:
        sys.exit(f"{len(back)} of {len(data)} bytes came back, or others")




{"echo": echo, "serve": serve, "connect": connect}[sys.argv[1]](*sys.argv[2:])
