"""The tools that are compared: how a user starts each of them, and how its own report is read.

Every run is one that a user starts afresh: no connection, no control socket and no process of an earlier run is left.
"""

import os
import re
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from meter import Meter

HERE = Path(__file__).parent
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
PATIENCE = 3600  # seconds; a run that takes longer hangs

ANSIBLE_CONFIG = """[defaults]
forks = {forks}
{extra}
[ssh_connection]
pipelining = true
control_path_dir = {control}
ssh_args = -o ControlMaster=auto -o ControlPersist=60s
"""


class Failure(Exception):
    """A run that did not do the work; its time means nothing."""


class Peer:
    """A tool under measurement. `command` gives its command line and environment for one run, or None where it has no way
    to do the work."""

    name = ""
    reports_recap = True
    floor = False

    def command(self, work, hosts, scratch, forks):
        raise NotImplementedError

    def finish(self, scratch):
        """Ends what a run leaves behind; not measured."""

    def run(self, work, hosts, log, forks, told=None):
        """One measured run: what it cost, and the recap as {host: (ok, changed)} where the tool prints one. `told` is the environment
        in which it finds the work's server."""
        with tempfile.TemporaryDirectory(prefix="kb-") as scratch:
            command, environment = self.command(work, hosts, Path(scratch), forks)
            clean = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "KPLAY_"))}
            meter = Meter(hosts.groups if hosts else [])
            try:
                with log.open("w") as output, Clock(meter.group) as clock, meter:
                    process = subprocess.Popen(
                        [str(word) for word in command],
                        env=clean | environment | (told or {}),
                        cwd=HERE,
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                        preexec_fn=clock.start,
                    )
                    code = wait(process)
                    seconds = clock.seconds()
            finally:
                self.finish(Path(scratch))
                meter.close()
        if code is None:
            raise Failure(f"not done after {PATIENCE} s, see {log}")
        if code != 0:
            raise Failure(f"exit code {code}, see {log}")
        sample = {"seconds": seconds, "cpu": meter.tool.cpu, "memory": meter.tool.memory}
        sample |= {"host_cpu": meter.hosts.cpu, "host_memory": meter.hosts.memory}
        return sample, self.recap(work, hosts, log)

    def recap(self, work, hosts, log):
        if not self.reports_recap or not work.recap:
            return None
        rows = {name: tuple(map(int, numbers)) for name, *numbers in RECAP.findall(log.read_text())}
        for name in [host.name for host in hosts.hosts] if hosts else ["localhost"]:
            if name not in rows or rows[name][2:] != (0, 0):
                raise Failure(f"{name} is missing or failed in the recap, see {log}")
        return {name: numbers[:2] for name, numbers in rows.items()}


class Clock:
    """The time of one program, from the moment when the child is where it is measured (the kernel may take long to move it
    into its group) and is about to become that program."""

    def __init__(self, group):
        self.group = group

    def __enter__(self):
        self.read, self.write = os.pipe()
        return self

    def start(self):
        """In the child, between fork and exec."""
        if self.group:
            self.group.enter()
        os.write(self.write, str(time.monotonic_ns()).encode())

    def seconds(self):
        now = time.monotonic_ns()
        return (now - int(os.read(self.read, 32))) / 1e9

    def __exit__(self, *_):
        os.close(self.read)
        os.close(self.write)


def wait(process):
    """The exit code, or None if its time is over. `Popen.wait` with a time limit looks only now and then."""
    descriptor = os.pidfd_open(process.pid)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    try:
        ended = poll.poll(PATIENCE * 1000)
    finally:  # nor does it outlive this program when that is told to end
        os.close(descriptor)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    return code if ended else None



class Ansible(Peer):
    name = "ansible-core"
    settings = ""

    def __init__(self, venv):
        self.venv = venv

    def command(self, work, hosts, scratch, forks):
        config = scratch / "ansible.cfg"
        control = scratch / "c"
        control.mkdir(mode=0o700)
        config.write_text(ANSIBLE_CONFIG.format(forks=forks, extra=self.settings, control=control))
        venv = work.collections() if work.collections else self.venv
        program = venv / "bin" / ("ansible-inventory" if work.inventory_only else "ansible-playbook")
        return [program, *work.words(hosts)], {"ANSIBLE_CONFIG": str(config)}

    def finish(self, scratch):
        for control in (scratch / "c").glob("*"):
            subprocess.run(["ssh", "-o", f"ControlPath={control}", "-O", "exit", "bench"], capture_output=True)


class Mitogen(Ansible):
    name = "mitogen"

    def __init__(self, venv):
        super().__init__(venv)
        plugins = next(venv.glob("lib/python3*/site-packages/ansible_mitogen/plugins/strategy"))
        self.settings = f"strategy = mitogen_linear\nstrategy_plugins = {plugins}\n"


class Pyinfra(Peer):
    name = "pyinfra"
    reports_recap = False  # it counts every shell command as a change

    def __init__(self, venv):
        self.venv = venv

    def command(self, work, hosts, scratch, forks):
        data = [word for name, value in work.variables.items() for word in ("--data", f"{name}={value}")]
        words = ["-y", "--parallel", forks, *data, hosts.pyinfra_inventory, work.deploy]
        return [self.venv / "bin" / "pyinfra", *words], {}


class Kplay(Peer):
    name = "kplay"

    def __init__(self, binary):
        self.binary = binary

    def command(self, work, hosts, scratch, forks):
        config = scratch / "ansible.cfg"
        config.write_text(f"[defaults]\nforks = {forks}\n")
        command = [self.binary, "inventory"] if work.inventory_only else [self.binary]
        return [*command, *work.words(hosts)], {"ANSIBLE_CONFIG": str(config)}


class Floor(Peer):
    """A plain program that shows how fast it can be at all; on one host after the other if there are several."""

    reports_recap = False
    floor = True

    def __init__(self, name, words):
        self.name, self.words = name, words
        self.turn = 0

    def command(self, work, hosts, scratch, forks):
        self.turn += 1
        return self.words(hosts, hosts.hosts[self.turn % len(hosts.hosts)]), {}


def find_kplay(given):
    """The kplay binary: the one given, or the newest that is built as it is handed out, or for release; None if there is none."""
    if given:
        path = Path(given).resolve()
        return path if os.access(path, os.X_OK) else None
    targets = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    built = [path for pattern in ("dist", "release", "*/dist", "*/release") for path in targets.glob(f"{pattern}/kplay")]
    built = [path for path in built if path.with_name("kplay-worker").exists()]
    return max(built, key=lambda path: path.stat().st_mtime, default=None)
