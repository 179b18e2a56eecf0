#!/usr/bin/env python3
"""A TCP relay that adds latency and counts: the kernel of a test machine often has no netem.

    relay.py RTT_MS HOST:PORT...

Listens on a free port of 127.0.0.1 for each target and prints the ports on one line, in order. Every byte waits half of
RTT_MS in each direction, and a new connection waits RTT_MS for the handshake that the loopback does for free. Order and
bandwidth are kept. For each line on its standard input it prints what has passed since the last one, as one line of JSON:
per target its connections, round trips and bytes either way. It ends with its standard input. `hosts.py` starts it.
"""

import asyncio
import collections
import json
import socket
import sys


class Count:
    """What passed to and from one target."""

    def __init__(self):
        self.connections = self.round_trips = self.bytes_up = self.bytes_down = 0


class Flights:
    """Counts the round trips of one connection: how often its client had to have an answer before it could go on.

    What the client sends within one round trip of the first piece can depend on no answer to it and belongs to the same
    flight; the first piece after that, if something has come back in the meantime, begins the next.
    """

    def __init__(self, count, round_trip, now):
        self.count, self.round_trip = count, round_trip
        self.began, self.answered = now, True
        count.connections += 1
        count.round_trips += 1  # TCP's own handshake

    def sent(self, now):
        if self.answered and now >= self.began + self.round_trip:
            self.count.round_trips += 1
            self.began, self.answered = now, False

    def received(self):
        self.answered = True


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
                self.delivered(data)
                target.write(data)
            elif self.transport.is_closing():
                target.close()
            else:
                try:
                    target.write_eof()
                except OSError:  # the other end has reset the connection in the meantime
                    target.abort()
        self.arm()

    def delivered(self, data):
        """Data leaves for the other end."""

    # A slow reader stops its sender, as it would without the relay.
    def pause_writing(self):
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self):
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()


class Back(Leg):
    """The host's end: what it says is counted when the client gets it."""

    def __init__(self, delay, count, flights):
        super().__init__(delay)
        self.count, self.flights = count, flights

    def delivered(self, data):
        self.count.bytes_down += len(data)
        self.flights.received()


class Door(Leg):
    """The client's end: opens the way to the target when a connection comes in."""

    def __init__(self, delay, host, port, count):
        super().__init__(delay)
        self.target = (host, port)
        self.count = count
        self.opening = self.flights = None

    def connection_made(self, transport):
        super().connection_made(transport)
        self.flights = Flights(self.count, 2 * self.delay, self.loop.time())
        self.opening = self.loop.create_task(self.open())

    def data_received(self, data):
        self.count.bytes_up += len(data)
        self.flights.sent(self.loop.time())
        super().data_received(data)

    async def open(self):
        await asyncio.sleep(2 * self.delay)
        try:
            _, leg = await self.loop.create_connection(
                lambda: Back(self.delay, self.count, self.flights), *self.target
            )
        except OSError as error:
            print(f"relay: {self.target[0]}:{self.target[1]}: {error}", file=sys.stderr)
            self.transport.abort()
            return
        leg.other, self.other = self, leg
        leg.arm()
        self.arm()


async def main(round_trip, targets):
    loop = asyncio.get_running_loop()
    counts = [Count() for _ in targets]
    ports = []
    for index, (host, port) in enumerate(targets):
        # The count is looked up when a connection comes in: it is a new one after each question.
        server = await loop.create_server(
            lambda index=index, host=host, port=port: Door(round_trip / 2000, host, port, counts[index]),
            "127.0.0.1",
            0,
            backlog=len(targets) + 16,
        )
        ports.append(server.sockets[0].getsockname()[1])
    print(*ports, flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps([vars(count) for count in counts]), flush=True)
        counts[:] = [Count() for _ in targets]


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    split = [target.rsplit(":", 1) for target in sys.argv[2:]]
    asyncio.run(main(float(sys.argv[1]), [(host, int(port)) for host, port in split]))
