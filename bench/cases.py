"""The cases: each is a work at a distance on a number of hosts, with the tools that take part and what kplay has to reach.

One entry each; `run CASE...` takes their names. States: `converged` (everything is in place), `fresh` (the work is not there,
but the tools know the host) and `first` (nothing is there, and no tool finds anything of an earlier run).
"""

from dataclasses import dataclass

import works

ALL = ("ansible-core", "mitogen", "pyinfra", "kplay")
ANSIBLES = ("ansible-core", "mitogen", "kplay")
LOCAL = ("ansible-core", "kplay")


@dataclass(frozen=True)
class Times:
    """At least so many times as fast as another tool; below 1 a part of its speed."""

    factor: float
    peer: str
    measure: str = "seconds"

    def check(self, result):
        other, own = result.median(self.peer, self.measure), result.median("kplay", self.measure)
        reached = other / own if other and own else None
        what = "" if self.measure == "seconds" else " in the controller's CPU"
        return f"at least {self.factor:g} × {self.peer}{what}", reached, reached and reached >= self.factor


@dataclass(frozen=True)
class Within:
    """At most so many times as long as another program takes."""

    factor: float
    peer: str

    def check(self, result):
        other, own = result.median(self.peer), result.median("kplay")
        reached = own / other if other and own else None
        return f"at most {self.factor:g} × {self.peer}", reached, reached and reached <= self.factor


@dataclass(frozen=True)
class AtMost:
    """An absolute bound. `scale` turns the measure into the unit that is named."""

    bound: float
    unit: str
    measure: str = "seconds"
    scale: float = 1.0

    def check(self, result):
        own = result.median("kplay", self.measure)
        reached = own * self.scale if own is not None else None
        return f"at most {self.bound:g} {self.unit}", reached, reached is not None and reached <= self.bound


@dataclass(frozen=True)
class MoreTrips:
    """At most so many round trips more than another program has."""

    bound: int
    peer: str

    def check(self, result):
        other, own = result.median(self.peer, "round_trips"), result.median("kplay", "round_trips")
        reached = own - other if other and own else None
        return f"at most {self.bound} round trips more than {self.peer}", reached, reached is not None and reached <= self.bound


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    work: object  # a function of works.py
    hosts: int = 2  # of the inventory; 0: the work reaches none
    latency: int = 0  # ms of added round trip
    state: str = "converged"
    fleet: tuple = ()  # instead of the inventory's hosts: how many machines, and addresses of each
    tools: tuple = ALL
    forks: int = 50
    targets: tuple = ()


# The barriers of the site: ten between its eleven shell tasks, one before the first of them, one between the package and the
# service, which may show other hosts what they change; and three round trips more.
SITE_TRIPS = 15

MICROSECONDS = 1e6
MEBIBYTES = 1 / (1 << 20)
CROWD = (50, 20)  # 1,000 hosts
CROWD_STEPS = 1000 * 100

CASES = [
    Case(
        "site",
        "a site of 88 tasks, converged, two hosts",
        works.site,
        targets=(Times(75, "ansible-core"), Times(22, "mitogen"), Times(25, "pyinfra"), Within(1.5, "ssh true")),
    ),
    Case("site-10ms", "the site, converged, two hosts, 10 ms", works.site, latency=10),
    Case(
        "site-50ms",
        "the site, converged, two hosts, 50 ms",
        works.site,
        latency=50,
        targets=(
            Times(65, "ansible-core"),
            Times(13, "mitogen"),
            Within(2.5, "ssh true"),
            MoreTrips(SITE_TRIPS, "ssh true"),
        ),
    ),
    Case("site-150ms", "the site, converged, two hosts, 150 ms", works.site, latency=150),
    Case(
        "site-50ms-narrowed",
        "the site, its shell tasks narrowed, converged, two hosts, 50 ms",
        works.narrowed,
        latency=50,
        targets=(Within(1.3, "ssh true"),),
    ),
    Case("site-one-host", "the site, converged, one host", works.site, hosts=1),
    Case(
        "site-50ms-one-host",
        "the site, converged, one host, 50 ms",
        works.site,
        hosts=1,
        latency=50,
        targets=(Within(1.2, "ssh true"),),
    ),
    Case("site-five-hosts", "the site, converged, five hosts", works.site, hosts=5),
    Case(
        "site-first",
        "the site, first run, two hosts",
        works.site,
        state="first",
        targets=(Times(25, "ansible-core"),),
    ),
    Case("site-50ms-first", "the site, first run, two hosts, 50 ms", works.site, state="first", latency=50),
    Case("loop", "1,000 items of `file` in a loop, converged, one host", works.loop, hosts=1),
    Case(
        "loop-50ms",
        "1,000 items of `file` in a loop, converged, one host, 50 ms",
        works.loop,
        hosts=1,
        latency=50,
        targets=(Times(400, "ansible-core"), Times(30, "mitogen")),
    ),
    Case("loop-fresh", "1,000 items of `file` in a loop, nothing there, one host", works.loop, hosts=1, state="fresh"),
    Case(
        "files",
        "1,000 small files by `copy`, none there, one host",
        works.files,
        hosts=1,
        state="fresh",
        targets=(Times(200, "ansible-core"), Times(0.8, "rsync")),
    ),
    Case("files-50ms", "1,000 small files by `copy`, none there, one host, 50 ms", works.files, hosts=1, state="fresh", latency=50),
    Case("files-converged", "1,000 small files by `copy`, all there, one host", works.files, hosts=1),
    Case(
        "big-file",
        "1 GiB by `copy`, not there, one host",
        works.big_file,
        hosts=1,
        state="fresh",
        targets=(Times(0.9, "scp"),),
    ),
    Case("role", "a role of 200 tasks, converged, two hosts", works.role),
    Case("role-50ms", "a role of 200 tasks, converged, two hosts, 50 ms", works.role, latency=50),
    Case("facts", "all facts, one host", works.facts, hosts=1, tools=ANSIBLES),
    Case("facts-50ms", "all facts, one host, 50 ms", works.facts, hosts=1, latency=50, tools=ANSIBLES),
    Case(
        "start",
        "start, check and one task that does nothing, on this machine",
        works.start,
        hosts=0,
        tools=ANSIBLES,
        targets=(AtMost(15, "ms", scale=1000),),
    ),
    Case("check", "reading and checking 5,000 tasks in 100 roles", works.check, hosts=0, tools=LOCAL),
    Case("list-tasks", "listing these 5,000 tasks", works.list_tasks, hosts=0, tools=LOCAL),
    Case("inventory", "an inventory of 10,000 hosts as JSON", works.inventory, hosts=0, tools=LOCAL),
    Case(
        "inventory-proxmox",
        "1,000 guests on ten nodes with all facts, from a Proxmox API that takes 50 ms for each answer",
        works.inventory_proxmox,
        hosts=0,
        tools=LOCAL,
        targets=(AtMost(4, "s"), Times(20, "ansible-core")),
    ),
    Case("list-hosts", "a pattern over 10,000 hosts", works.list_hosts, hosts=0, tools=LOCAL),
    Case(
        "fleet",
        "35 tasks, converged, 50 hosts",
        works.fleet,
        fleet=(50, 1),
        targets=(Times(25, "ansible-core"), Times(30, "ansible-core", "cpu")),
    ),
    Case("fleet-50ms", "35 tasks, converged, 50 hosts, 50 ms", works.fleet, fleet=(50, 1), latency=50),
    Case(
        "crowd",
        "100 tasks, converged, 1,000 hosts",
        works.crowd,
        fleet=CROWD,
        tools=("kplay",),
        forks=1000,
        targets=(
            AtMost(400, "MiB of the controller", "memory", MEBIBYTES),
            AtMost(60, "µs of the controller's CPU per host and task", "cpu", MICROSECONDS / CROWD_STEPS),
        ),
    ),
]

BY_NAME = {case.name: case for case in CASES}
QUICK = ["site"]
