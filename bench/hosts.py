"""The hosts under measurement: who they are, how they are reached with and without added latency, how they are made new
again and how their state is compared. `read` takes them from an inventory; fleet.py makes many small ones."""

import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from meter import Group

HERE = Path(__file__).parent
AT_ONCE = 16  # connections for what is not measured

# Takes the work away, and with it everything that a run of the site adds to a host.
CLEAR = """
rm -rf /opt/bench
for user in bench-app bench-deploy; do
  if getent passwd "$user" >/dev/null; then userdel -r "$user" 2>/dev/null; fi
done
mkdir /opt/bench
"""

# What each tool leaves for its next run. kplay takes the first of its five directories that can hold its worker.
FORGET = (
    CLEAR
    + """
user=$(id -u)
rm -rf "$HOME/.ansible" /tmp/pyinfra-* "$HOME/.cache/kplay" "/var/tmp/kplay-$user" "/tmp/kplay-$user" \
  "/dev/shm/kplay-$user" "/run/user/$user/kplay"
"""
)

# Every file with type, mode, owner and contents, and the users: two tools that did the same work print the same.
DESCRIBE = """
cd /opt/bench 2>/dev/null || exit 0
find . -mindepth 1 -printf '%y %m %u:%g %p %l\\n' | sort -k4
find . -type f -print0 | sort -z | xargs -0r sha256sum
getent passwd bench-app bench-deploy | cut -d: -f1,5-
true
"""


@dataclass(frozen=True)
class Host:
    name: str
    address: str
    port: int
    user: str
    key: str
    machine: str  # hosts with the same one share a file system


class Hosts:
    """The measured hosts as seen through one door: directly, or through relays that add latency."""

    def __init__(self, hosts, known_hosts, scratch, label, groups=()):
        self.hosts = hosts
        self.known_hosts = known_hosts
        self.label = label
        self.groups = list(groups)  # the control groups that they run in, as far as they are on this machine
        self.inventory = scratch / f"inventory-{label}.ini"
        self.pyinfra_inventory = scratch / f"inventory_{label.replace('-', '_')}.py"
        lines = [
            f"{host.name} ansible_host={host.address} ansible_port={host.port} ansible_user={host.user}"
            f" ansible_ssh_private_key_file={host.key}"
            for host in hosts
        ]
        # The interpreter is named, as users name it who care for speed: ansible-core need not look for it.
        lines += ["", "[all:vars]", "ansible_python_interpreter=/usr/bin/python3"]
        lines += [f"ansible_ssh_common_args='-o UserKnownHostsFile={known_hosts}'"]
        # All hosts share one machine's processors: the first word of the last of a thousand takes its time.
        lines += ["ansible_timeout=60"]
        self.inventory.write_text("\n".join(lines) + "\n")
        entries = [
            (
                host.name,
                {
                    "ssh_hostname": host.address,
                    "ssh_port": host.port,
                    "ssh_user": host.user,
                    "ssh_key": host.key,
                    "ssh_known_hosts_file": str(known_hosts),
                    "ssh_strict_host_key_checking": "yes",
                },
            )
            for host in hosts
        ]
        self.pyinfra_inventory.write_text(f"hosts = {entries!r}\n")

    def options(self, host):
        """OpenSSH's options for a fresh connection, for ssh, scp and rsync alike."""
        options = {
            "UserKnownHostsFile": self.known_hosts,
            "BatchMode": "yes",
            "ControlMaster": "no",
            "ControlPath": "none",
            "IdentitiesOnly": "yes",
            "IdentityFile": host.key,
            "Port": host.port,
        }
        return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]

    def ssh(self, host, command):
        """OpenSSH's own client on a fresh connection, as a command line."""
        return ["ssh", *map(str, self.options(host)), f"{host.user}@{host.address}", command]

    def machines(self, scratch):
        """One host of each machine."""
        return Hosts(self._one_each(), self.known_hosts, scratch, f"{self.label}-machines", self.groups)

    def _one_each(self):
        return list({host.machine: host for host in reversed(self.hosts)}.values())

    def on_each(self, script):
        """Runs a script once on every machine and returns what each printed."""
        machines = self._one_each()

        def run(host):
            command = self.ssh(host, f"sh -c {shlex.quote(script)}")
            return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            results = dict(zip((host.name for host in machines), pool.map(run, machines)))
        for name, done in results.items():
            if done.returncode != 0:
                raise SystemExit(f"bench: {name}: {done.stderr.strip() or done.stdout.strip()}")
        return {name: done.stdout for name, done in results.items()}

    def clear(self):
        self.on_each(CLEAR)

    def forget(self):
        self.on_each(FORGET)

    def describe(self):
        return self.on_each(DESCRIBE)


class Relays:
    """The relay process in front of all hosts; a context manager that gives the hosts behind it."""

    def __init__(self, direct, scratch, round_trip):
        self.direct, self.scratch, self.round_trip = direct, scratch, round_trip

    def __enter__(self):
        direct = self.direct
        targets = [f"{host.address}:{host.port}" for host in direct.hosts]
        self.process = subprocess.Popen(
            [sys.executable, HERE / "relay.py", str(self.round_trip), *targets],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        ports = [int(port) for port in self.process.stdout.readline().split()]
        hosts = [replace(host, address="127.0.0.1", port=port) for host, port in zip(direct.hosts, ports, strict=True)]
        keys = [line.split(" ", 1) for line in Path(direct.known_hosts).read_text().splitlines()]
        label = f"{direct.label}-{self.round_trip}ms"
        known_hosts = self.scratch / f"known_hosts-{label}"
        with known_hosts.open("w") as file:
            for here, there in zip(direct.hosts, hosts, strict=True):
                file.writelines(f"{known_as(there)} {key}\n" for name, key in keys if name == known_as(here))
        return Hosts(hosts, known_hosts, self.scratch, label, direct.groups)

    def counts(self):
        """What passed since the last question, per host."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=10)


def known_as(host):
    """The name of a host in known_hosts."""
    return host.address if host.port == 22 else f"[{host.address}]:{host.port}"


def lab_group(name, address):
    """The control group of a host of tests/lab: the third number of its address tells which lab it is of."""
    found = re.fullmatch(r"10\.213\.(\d+)\.\d+", address)
    group = Group(f"kplay{int(found[1]) - 77}-{name}") if found else None
    return group if group and group.exists() else None


class Inventory:
    """The hosts of an inventory, as ansible-core understands it; those without Python are left out."""

    def __init__(self, path, ansible_inventory, scratch):
        self.path, self.program, self.scratch = Path(path), ansible_inventory, scratch
        self.found = None

    def read(self):
        """All hosts that can take part, each asked once who it is."""
        if not self.path.exists():
            raise SystemExit(f"bench: there is no inventory {self.path}")
        listed = subprocess.run([self.program, "-i", self.path, "--list"], capture_output=True, text=True)
        if listed.returncode != 0:
            raise SystemExit(f"bench: {self.path}: {listed.stderr.strip()}")
        hosts = [
            Host(
                name,
                values.get("ansible_host", name),
                int(values.get("ansible_port", 22)),
                values.get("ansible_user", "root"),
                os.path.expanduser(values.get("ansible_ssh_private_key_file", "~/.ssh/id_ed25519")),
                name,
            )
            for name, values in json.loads(listed.stdout)["_meta"]["hostvars"].items()
        ]
        self.known_hosts = self.scratch / "known_hosts"
        with self.known_hosts.open("w") as keys:
            for host in hosts:
                scan = subprocess.run(
                    ["ssh-keyscan", "-p", str(host.port), host.address], capture_output=True, text=True, timeout=30
                )
                if not scan.stdout:
                    raise SystemExit(f"bench: {host.name} ({host.address}:{host.port}) does not answer; is the lab up?")
                keys.write(scan.stdout)
        answers = self.seen(hosts, "all").on_each("id -u; command -v python3 || true")
        for name, answer in answers.items():
            if not answer.startswith("0\n"):
                raise SystemExit(f"bench: {name}: the inventory must log in as root (the benchmark does without become)")
        return [host for host in hosts if "python3" in answers[host.name]]

    def seen(self, hosts, label):
        groups = [group for host in hosts if (group := lab_group(host.name, host.address))]
        return Hosts(hosts, self.known_hosts, self.scratch, label, groups if len(groups) == len(hosts) else ())

    def first(self, count):
        """The first `count` hosts, or None if there are fewer."""
        if self.found is None:
            self.found = self.read()
        return self.seen(self.found[:count], f"{count}") if len(self.found) >= count else None
