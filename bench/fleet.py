"""Many small hosts on this machine, for the cases with more of them than can boot.

A machine of the fleet is a network namespace, a mount namespace with an overlay of the lab's root file system, and one
sshd: no systemd, no services. It costs a few megabytes where a booted host costs dozens. A machine may answer at several
addresses, each of which is a host in the inventory: that is how a thousand hosts fit in. sshd has its defaults, except that
it turns nobody away when all log in at once (`MaxStartups`). Needs root and the lab's root file system (`tests/lab/lab up`
makes it). Used by `run`.
"""

import os
import shlex
import shutil
import socket
import subprocess
import time
from pathlib import Path

from hosts import Host, Hosts
from meter import Group

CACHE = Path(os.environ.get("KPLAY_LAB_CACHE", "/var/cache/kplay-lab"))
BRIDGE = "kpfleet"
NETWORK = "10.214"

# Runs in the machine's namespaces. $1: its directory, $2: its name, $3: the root file system beneath.
BOOT = """
set -e
mount --make-rprivate /
mkdir -p "$1/upper" "$1/work" "$1/merged"
mount -t overlay overlay -o "volatile,lowerdir=$3,upperdir=$1/upper,workdir=$1/work" "$1/merged"
cd "$1/merged"
mount -t proc proc proc
mount --bind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mkdir run/sshd
hostname "$2"
echo "$2" >etc/hostname
printf '127.0.0.1 localhost\\n127.0.1.1 %s\\n' "$2" >etc/hosts
install -m 600 "$1/../key" etc/ssh/ssh_host_ed25519_key
exec chroot . /usr/sbin/sshd -D -e -h /etc/ssh/ssh_host_ed25519_key -o MaxStartups=4096
"""


class Fleet:
    """A context manager that gives `machines` hosts, each at `addresses` addresses."""

    def __init__(self, machines, addresses, scratch):
        self.machines, self.addresses, self.scratch = machines, addresses, scratch
        self.directory = scratch / "fleet"
        self.processes = []
        self.group = None

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def start(self):
        lower = max(CACHE.glob("v*/root"), default=None, key=lambda root: root.stat().st_mtime)
        if os.geteuid() != 0 or lower is None:
            raise SystemExit("bench: many hosts need root and the lab's root file system (tests/lab/lab up makes it)")
        self.directory.mkdir()
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.directory / "key"], check=True)
        self.network("up")
        self.group = Group.make("kplay-bench-fleet")
        for number in range(1, self.machines + 1):
            self.boot(number, lower)
        known_hosts = self.scratch / f"known_hosts-fleet-{self.machines}"
        public = " ".join((self.directory / "key.pub").read_text().split()[:2])
        key = str(lower.parent / "id")
        hosts = [
            Host(f"f{number}-{place}", self.address(number, place), 22, "root", key, f"f{number}")
            for place in range(1, self.addresses + 1)
            for number in range(1, self.machines + 1)
        ]
        known_hosts.write_text("".join(f"{host.address} {public}\n" for host in hosts))
        for host in hosts[-self.machines :]:
            wait_for(host.address)
        label = f"fleet-{self.machines}x{self.addresses}"
        return Hosts(hosts, known_hosts, self.scratch, label, [self.group] if self.group else ())

    @staticmethod
    def address(number, place):
        return f"{NETWORK}.{number}.{place}"

    def network(self, way):
        """All links and addresses in one go of `ip`."""
        numbers = range(1, self.machines + 1)
        if way == "down":
            for number in numbers:
                subprocess.run(["ip", "netns", "del", f"{BRIDGE}-{number}"], capture_output=True)
            subprocess.run(["ip", "link", "del", BRIDGE], capture_output=True)
            return
        batch = [f"link add {BRIDGE} type bridge", f"addr add {NETWORK}.0.1/16 dev {BRIDGE}", f"link set {BRIDGE} up"]
        for number in numbers:
            subprocess.run(["ip", "netns", "add", f"{BRIDGE}-{number}"], check=True)
            batch.append(f"link add {BRIDGE}-{number} type veth peer name eth0 netns {BRIDGE}-{number}")
            batch.append(f"link set {BRIDGE}-{number} master {BRIDGE} up")
            # One neighbour a machine, whatever its addresses: the kernel's table of them ends at 1,024.
            network = f"{NETWORK}.{number}.0/24"
            batch.append(f"route add {network} via {self.address(number, 1)} dev {BRIDGE} onlink")
        subprocess.run(["ip", "-batch", "-"], input="\n".join(batch), text=True, check=True)
        for number in numbers:
            places = range(1, self.addresses + 1)
            batch = ["link set lo up"] + [f"addr add {self.address(number, place)}/16 dev eth0" for place in places]
            batch.append("link set eth0 up")
            namespace = f"{BRIDGE}-{number}"
            subprocess.run(["ip", "-n", namespace, "-batch", "-"], input="\n".join(batch), text=True, check=True)

    def boot(self, number, lower):
        directory = self.directory / f"f{number}"
        directory.mkdir()
        words = ["nsenter", f"--net=/run/netns/{BRIDGE}-{number}"]
        words += ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--"]
        words += ["sh", "-c", BOOT, "boot", directory, f"f{number}", lower]
        enter = self.group.enter if self.group else None
        with (directory / "log").open("w") as log:
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            self.processes.append(subprocess.Popen(words, preexec_fn=enter, start_new_session=True, **streams))

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
        self.network("down")
        if self.group:
            self.group.remove()
        shutil.rmtree(self.directory, ignore_errors=True)


def wait_for(address):
    """Until its sshd answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection((address, 22), timeout=5) as connection:
                if connection.recv(4) == b"SSH-":
                    return
        except OSError as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"bench: {shlex.quote(address)} does not answer: {error}") from error
        time.sleep(0.05)
