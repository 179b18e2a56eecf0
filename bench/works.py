"""What the tools are given to do: each work is a playbook, the same work for pyinfra where that is possible, and the plain
programs that show its floor. cases.py puts works, hosts and distances together."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import environment
import generate
import proxmox
from peers import Floor

HERE = Path(__file__).parent
SITE = HERE / "site"
PLAYS = HERE / "plays"
RSYNC = "/opt/bench-rsync"  # where hosts without rsync get this machine's

SSH_TRUE = Floor("ssh true", lambda hosts, host: hosts.ssh(host, "true"))


class Work:
    """A playbook with its arguments; with `inventory_only` an inventory that is shown instead."""

    def __init__(self, playbook=None, *, deploy=None, variables=None, options=(), inventory=None, floors=(SSH_TRUE,)):
        self.playbook, self.deploy = playbook, deploy
        self.variables = variables or {}  # extra variables, pyinfra's data
        self.options = list(options)
        self.inventory = inventory  # of a work that reaches no host
        self.floors = list(floors)
        self.inventory_only = playbook is None
        self.recap = playbook is not None and not options
        self.counted = None  # what each tool's output must hold: how often which text
        self.prepare = None  # called with the hosts before the first run
        self.server = None  # a context manager that gives the environment in which its tools find what they ask
        self.collections = None  # the environment of an ansible with its collections, where ansible-core alone will not do

    def words(self, hosts):
        """The arguments that ansible's programs and kplay have in common."""
        extra = [word for name, value in self.variables.items() for word in ("-e", f"{name}={value}")]
        playbook = [self.playbook] if self.playbook else []
        return [*playbook, "-i", hosts.inventory if hosts else self.inventory, *extra, *self.options]


def site(_):
    """88 tasks, as docs/benchmarks.md describes them."""
    return Work(SITE / "site.yml", deploy=SITE / "deploy.py")


def narrowed(_):
    """The site, with its shell tasks declared to reach no other host."""
    return Work(SITE / "narrowed.yml", deploy=SITE / "deploy.py")


def fleet(_):
    """35 tasks of the site, those that need no service manager."""
    return Work(SITE / "fleet.yml", deploy=SITE / "deploy.py", variables={"fleet": "1"})


def loop(_):
    """One task that makes 1,000 directories."""
    return Work(PLAYS / "loop.yml", deploy=PLAYS / "loop.py")


def files(scratch):
    """One task that copies a directory of 1,000 small files."""
    source = generate.small_files(scratch / "tree", 1000)
    work = Work(PLAYS / "files.yml", deploy=PLAYS / "files.py", variables={"source": f"{source}/"})
    work.floors = [_scp(["-r", f"{source}/."], "/opt/bench/files"), _rsync(f"{source}/", "/opt/bench/files/")]
    work.prepare = lend_rsync
    return work


def big_file(scratch):
    """One task that copies 1 GiB."""
    source = generate.big_file(scratch / "big", 1 << 30)
    work = Work(PLAYS / "big.yml", deploy=PLAYS / "big.py", variables={"source": source})
    work.floors = [_scp([source], "/opt/bench/big"), _rsync(source, "/opt/bench/big")]
    work.prepare = lend_rsync
    return work


def role(scratch):
    """A role of 200 tasks of ten kinds."""
    return Work(generate.role(scratch / "role", 200), deploy=PLAYS / "role.py", variables={"groups": "20"})


def crowd(scratch):
    """The same role with 100 tasks, in a directory of its own for each host of a machine."""
    return Work(generate.role(scratch / "crowd", 100, root="/opt/bench/{{ inventory_hostname }}"))


def facts(_):
    """`setup`, and one task that needs all facts."""
    return Work(PLAYS / "facts.yml")


def ping(_):
    """One task that does nothing, on every host; not measured."""
    return Work(PLAYS / "ping.yml")


def start(_):
    """One task that does nothing, on this machine."""
    here = {"ansible_python_interpreter": sys.executable}
    return Work(PLAYS / "start.yml", inventory="localhost,", variables=here, floors=[])


def check(scratch):
    """A site of 5,000 tasks in 100 roles, for 100 hosts: only read and checked."""
    playbook = generate.large_site(scratch / "large", roles=100, tasks=50, hosts=100)
    return Work(playbook, inventory=playbook.parent / "hosts.ini", options=["--syntax-check"], floors=[])


def list_tasks(scratch):
    """The same site, and all its tasks listed."""
    work = check(scratch)
    work.options = ["--list-tasks"]
    work.counted = ("TAGS: [", 5001)  # one for the play
    return work


def inventory(scratch):
    """An inventory of 10,000 hosts in 200 groups with their variables, shown as JSON."""
    work = Work(inventory=generate.inventory(scratch / "inventory", 10_000, 200), options=["--list"], floors=[])
    work.counted = ('"rack":', 10_000)
    return work


def list_hosts(scratch):
    """The same inventory under a playbook whose pattern cuts a group from another."""
    directory = generate.inventory(scratch / "inventory", 10_000, 200)
    work = Work(PLAYS / "hosts.yml", inventory=directory, options=["--list-hosts"], floors=[])
    work.counted = (".example.org", 9_950)
    return work


def inventory_proxmox(scratch):
    """The inventory of a cluster with 1,000 guests on ten nodes and all their facts, from an API that takes 50 ms for each answer."""
    work = Work(inventory=generate.proxmox_source(scratch / "proxmox"), options=["--list"], floors=[])
    work.counted = ('"proxmox_vmid":', 1_000)
    work.server = lambda kplay: proxmox.Server(scratch, kplay, guests=1_000, nodes=10, delay=50)
    work.collections = environment.collections
    return work


def _scp(sources, target):
    def words(hosts, host):
        return ["scp", "-q", *hosts.options(host), *sources, f"{host.user}@{host.address}:{target}"]

    return Floor("scp", words)


def _rsync(source, target):
    def words(hosts, host):
        shell = " ".join(["ssh", *map(str, hosts.options(host))])
        place = f"{host.user}@{host.address}:{target}"
        return ["rsync", "-rpW", "--rsync-path", f"{RSYNC}/rsync", "-e", shell, source, place]

    return Floor("rsync", words)


def lend_rsync(hosts):
    """Puts a program of the name RSYNC/rsync on every host: its own rsync, or this machine's with all its libraries."""
    have = hosts.on_each(
        f'mkdir -p {RSYNC}; own=$(command -v rsync) && ln -sf "$own" {RSYNC}/rsync; test -x {RSYNC}/rsync && echo yes || true'
    )
    libraries = subprocess.run(["ldd", "/usr/bin/rsync"], capture_output=True, text=True, check=True).stdout
    paths = [word for word in libraries.split() if word.startswith("/")]
    loader = next(os.path.basename(path) for path in paths if os.path.basename(path).startswith("ld-"))
    for host in hosts.hosts:
        if have[host.name].strip() == "yes":
            continue
        place = f"{host.user}@{host.address}:{RSYNC}/"
        copy = ["scp", "-q", *map(str, hosts.options(host)), "/usr/bin/rsync", *paths, place]
        subprocess.run(copy, check=True)
        script = f'#!/bin/sh\\nexec {RSYNC}/{loader} --library-path {RSYNC} {RSYNC}/rsync.real "$@"\\n'
        subprocess.run(
            hosts.ssh(
                host, f"cd {RSYNC} && mv rsync rsync.real && printf '{script}' >rsync && chmod 755 rsync {loader}"
            ),
            check=True,
        )


def machine():
    """What the figures depend on, in one line's worth of words."""
    processors = Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in processors.splitlines() if "model name" in line), "")
    total = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    ssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True).stderr.split(",")[0].strip()
    return {
        "CPU": f"{os.cpu_count()} × {model or platform.machine()}",
        "memory": f"{int(total.split()[1]) / 2**20:.0f} GiB",
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        "Linux": platform.release(),
        "Python": platform.python_version(),
        "ssh": ssh,
    }
