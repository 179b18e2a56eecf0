"""What a run costs beside time: CPU and memory, of the tool on this machine and of the work on the hosts.

Both are read from control groups (version 1 or 2), which miss no process, whoever started it, and count memory that forks
share once. The tool gets a group of its own for its run; hosts that run on this machine (the lab's and the fleet's) are in
groups already. Memory is what processes hold for themselves (heap and stacks, not programs and not the page cache), looked
at often. Where no group can be made, the tool's CPU comes from `getrusage` and the rest is unknown. Used by peers.py.
"""

import os
import resource
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
VERSION_2 = (ROOT / "cgroup.controllers").exists()
INTERVAL = 0.02  # seconds between two looks at the memory
MANY = 8  # with more groups than this, ten times as long


@dataclass
class Cost:
    """CPU in seconds and the peak of memory in bytes; None where it cannot be known."""

    cpu: float | None = None
    memory: int | None = None


class Group:
    """A control group."""

    def __init__(self, name):
        self.name = name
        if VERSION_2:
            self.directories = [ROOT / name]
        else:
            self.directories = [ROOT / hierarchy / name for hierarchy in ("cpuacct", "memory")]

    @classmethod
    def make(cls, name):
        """A new group, or None where this user cannot make one."""
        group = cls(name)
        try:
            for directory in group.directories:
                directory.mkdir(exist_ok=True)
            group.memory()
        except OSError:
            return None
        return group

    def exists(self):
        return all(directory.is_dir() for directory in self.directories)

    def enter(self):
        """Moves the calling process in; safe between fork and exec."""
        for directory in self.directories:
            file = os.open(directory / "cgroup.procs", os.O_WRONLY)
            os.write(file, b"0")
            os.close(file)

    def cpu(self):
        if VERSION_2:
            return _field(self.directories[0] / "cpu.stat", "usage_usec") / 1e6
        return int((self.directories[0] / "cpuacct.usage").read_text()) / 1e9

    def memory(self):
        if VERSION_2:
            return _field(self.directories[0] / "memory.stat", "anon")
        return _field(self.directories[1] / "memory.stat", "total_rss")

    def processes(self):
        return [int(line) for line in (self.directories[0] / "cgroup.procs").read_text().split()]

    def remove(self):
        for _ in range(50):
            try:
                for directory in self.directories:
                    if directory.is_dir():
                        directory.rmdir()
                return
            except OSError:  # its last process is still dying
                time.sleep(0.02)


def _field(file, name):
    for line in file.read_text().splitlines():
        key, value = line.split(" ", 1)
        if key == name:
            return int(value)
    raise OSError(f"{file} has no {name}")


class Meter:
    """A context manager around one run: `tool` and `hosts` say afterwards what it cost."""

    def __init__(self, host_groups):
        self.group = Group.make(f"kplay-bench-{os.getpid()}")
        self.groups = ([self.group] if self.group else []) + host_groups
        self.stop = threading.Event()
        self.tool, self.hosts = Cost(), Cost()

    def __enter__(self):
        self.peaks = self.before = [group.memory() for group in self.groups]
        self.cpu = [group.cpu() for group in self.groups]
        self.children = _children()
        self.watcher = threading.Thread(target=self._watch, daemon=True)
        self.watcher.start()
        return self

    def _watch(self):
        interval = INTERVAL if len(self.groups) <= MANY else 10 * INTERVAL
        while not self.stop.wait(interval):
            self.peaks = [max(peak, group.memory()) for peak, group in zip(self.peaks, self.groups)]

    def __exit__(self, *_):
        cpu = [group.cpu() - before for group, before in zip(self.groups, self.cpu)]
        self.stop.set()
        self.watcher.join()
        memory = [peak - before for peak, before in zip(self.peaks, self.before)]
        if self.group:
            self.tool = Cost(cpu.pop(0), memory.pop(0))
        else:
            self.tool = Cost(_children() - self.children)
        if cpu:
            self.hosts = Cost(sum(cpu), sum(memory))

    def close(self):
        if self.group:
            self.group.remove()


def _children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
