#!/usr/bin/env python3
"""A TCP relay that adds latency: the kernel of a test machine often has no netem.

    relay.py RTT_MS HOST:PORT...

Listens on a free port of 127.0.0.1 for each target and prints the ports on one line, in order. Every byte waits half of
RTT_MS in each direction, and a new connection waits RTT_MS for the handshake that the loopback does for free. Order and
bandwidth are kept. `run` starts it; it ends with its standard input.
"""

import asyncio
import collections
import socket
import sys


class Leg(asyncio.Protocol):
    """One end of a relayed connection: what arrives here leaves at `other` after `delay` seconds."""

    def __init__(self, delay):
        self.delay = delay
        self.loop = asyncio.get_running_loop()
        self.transport = None
        self.other = None
        self.waiting = collections.deque()  # (due, data); data None is the end of the stream
        self.timer = None

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        self.pass_on(data)

    def eof_received(self):
        self.pass_on(None)
        return True  # the other direction may still be in use

    def connection_lost(self, error):
        self.pass_on(None)

    def pass_on(self, data):
        self.waiting.append((self.loop.time() + self.delay, data))
        self.arm()

    def arm(self):
        """Sets the timer for the oldest waiting piece; without the other leg everything waits."""
        if self.timer is None and self.waiting and self.other is not None:
            self.timer = self.loop.call_at(self.waiting[0][0], self.deliver)

    def deliver(self):
        self.timer = None
        target = self.other.transport
        while self.waiting and self.waiting[0][0] <= self.loop.time():
            data = self.waiting.popleft()[1]
            if target.is_closing():
                continue
            if data is not None:
                target.write(data)
            elif self.transport.is_closing():
                target.close()
            else:
                try:
                    target.write_eof()
                except OSError:  # the other end has reset the connection in the meantime
                    target.abort()
        self.arm()

    # A slow reader stops its sender, as it would without the relay.
    def pause_writing(self):
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self):
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()


class Door(Leg):
    """The client's end: opens the way to the target when a connection comes in."""

    def __init__(self, delay, host, port):
        super().__init__(delay)
        self.target = (host, port)
        self.opening = None

    def connection_made(self, transport):
        super().connection_made(transport)
        self.opening = self.loop.create_task(self.open())

    async def open(self):
        await asyncio.sleep(2 * self.delay)
        try:
            _, leg = await self.loop.create_connection(lambda: Leg(self.delay), *self.target)
        except OSError as error:
            print(f"relay: {self.target[0]}:{self.target[1]}: {error}", file=sys.stderr)
            self.transport.abort()
            return
        leg.other, self.other = self, leg
        leg.arm()
        self.arm()


async def main(round_trip, targets):
    loop = asyncio.get_running_loop()
    delay = round_trip / 2000
    ports = []
    for host, port in targets:
        server = await loop.create_server(lambda host=host, port=port: Door(delay, host, port), "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
    print(*ports, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    split = [target.rsplit(":", 1) for target in sys.argv[2:]]
    asyncio.run(main(float(sys.argv[1]), [(host, int(port)) for host, port in split]))
