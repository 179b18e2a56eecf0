"""The hosts under measurement: who they are, how they are reached with and without added latency, how they are made new
again and how their state is compared."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).parent

# What a first run must not find: the work itself, and what each tool leaves for its next run.
FORGET = """
rm -rf /opt/bench "$HOME/.ansible" "$HOME/.cache/kplay" "/var/tmp/kplay-$(id -u)" "/tmp/kplay-$(id -u)"
for user in bench-app bench-deploy; do
  if getent passwd "$user" >/dev/null; then userdel -r "$user" 2>/dev/null; fi
done
true
"""

# Every file with type, mode, owner and contents, and the users: two tools that did the same work print the same.
DESCRIBE = """
cd /opt/bench 2>/dev/null || exit 0
find . -printf '%y %m %u:%g %p\\n' | sort -k4
find . -type f -print0 | sort -z | xargs -0 sha256sum
getent passwd bench-app bench-deploy | cut -d: -f1,5-
"""


@dataclass(frozen=True)
class Host:
    name: str
    address: str
    port: int
    user: str
    key: str


class Hosts:
    """The measured hosts as seen through one door: directly, or through relays that add latency."""

    def __init__(self, hosts, known_hosts, scratch, label):
        self.hosts = hosts
        self.known_hosts = known_hosts
        self.inventory = scratch / f"inventory-{label}.ini"
        self.pyinfra_inventory = scratch / f"inventory_{label}.py"
        lines = [
            f"{host.name} ansible_host={host.address} ansible_port={host.port} ansible_user={host.user}"
            f" ansible_ssh_private_key_file={host.key}"
            for host in hosts
        ]
        lines += ["", "[all:vars]", f"ansible_ssh_common_args='-o UserKnownHostsFile={known_hosts}'"]
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

    def ssh(self, host, command):
        """OpenSSH's own client on a fresh connection, as a command line."""
        options = {
            "UserKnownHostsFile": self.known_hosts,
            "BatchMode": "yes",
            "ControlMaster": "no",
            "ControlPath": "none",
            "IdentitiesOnly": "yes",
        }
        flags = [flag for name, value in options.items() for flag in ("-o", f"{name}={value}")]
        return ["ssh", *flags, "-i", host.key, "-p", str(host.port), f"{host.user}@{host.address}", command]

    def on_each(self, script):
        """Runs a script on every host and returns what each printed."""
        outputs = {}
        for host in self.hosts:
            done = subprocess.run(self.ssh(host, f"sh -c {shlex.quote(script)}"), capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemExit(f"bench: {host.name}: {done.stderr.strip() or done.stdout.strip()}")
            outputs[host.name] = done.stdout
        return outputs

    def forget(self):
        self.on_each(FORGET)

    def describe(self):
        return self.on_each(DESCRIBE)


class Relays:
    """The relay process in front of all hosts; a context manager that gives the hosts behind it."""

    def __init__(self, direct, scratch, round_trip):
        self.direct, self.scratch, self.round_trip = direct, scratch, round_trip

    def __enter__(self):
        targets = [f"{host.address}:{host.port}" for host in self.direct.hosts]
        self.process = subprocess.Popen(
            [sys.executable, HERE / "relay.py", str(self.round_trip), *targets],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        ports = [int(port) for port in self.process.stdout.readline().split()]
        hosts = [
            replace(host, address="127.0.0.1", port=port) for host, port in zip(self.direct.hosts, ports, strict=True)
        ]
        keys = Path(self.direct.known_hosts).read_text().splitlines()
        known_hosts = self.scratch / f"known_hosts-{self.round_trip}"
        known_hosts.write_text(
            "".join(
                f"{known_as(there)} {line.split(' ', 1)[1]}\n"
                for here, there in zip(self.direct.hosts, hosts)
                for line in keys
                if line.split(" ", 1)[0] == known_as(here)
            )
        )
        return Hosts(hosts, known_hosts, self.scratch, f"{self.round_trip}ms")

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=10)


def known_as(host):
    """The name of a host in known_hosts."""
    return host.address if host.port == 22 else f"[{host.address}]:{host.port}"


def read(inventory, count, ansible_inventory, scratch):
    """The first `count` hosts of an inventory, as ansible-core understands it, with their keys fetched once."""
    if not Path(inventory).exists():
        raise SystemExit(f"bench: there is no inventory {inventory}")
    listed = subprocess.run([ansible_inventory, "-i", inventory, "--list"], capture_output=True, text=True)
    if listed.returncode != 0:
        raise SystemExit(f"bench: {inventory}: {listed.stderr.strip()}")
    variables = json.loads(listed.stdout)["_meta"]["hostvars"]
    if len(variables) < count:
        raise SystemExit(f"bench: {inventory} has too few hosts: {len(variables)} of the {count} that are needed")
    hosts = [
        Host(
            name,
            values.get("ansible_host", name),
            int(values.get("ansible_port", 22)),
            values.get("ansible_user", "root"),
            os.path.expanduser(values.get("ansible_ssh_private_key_file", "~/.ssh/id_ed25519")),
        )
        for name, values in list(variables.items())[:count]
    ]
    known_hosts = scratch / "known_hosts"
    with known_hosts.open("w") as keys:
        for host in hosts:
            scan = subprocess.run(
                ["ssh-keyscan", "-p", str(host.port), host.address], capture_output=True, text=True, timeout=30
            )
            if not scan.stdout:
                raise SystemExit(f"bench: {host.name} ({host.address}:{host.port}) does not answer; is the lab up?")
            keys.write(scan.stdout)
    direct = Hosts(hosts, known_hosts, scratch, "0ms")
    for name, user in direct.on_each("id -u").items():
        if user.strip() != "0":
            raise SystemExit(f"bench: {name}: the inventory must log in as root (the benchmark does without become)")
    return direct
