"""The tools that are compared: how a user starts each of them, and how its own report is read.

Every run is one that a user starts afresh: no connection, no control socket and no process of an earlier run is left.
"""

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
SITE = HERE / "site" / "site.yml"
FORKS = "50"
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)

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
    """A tool under measurement. `command` gives its command line and environment for one run."""

    name = ""
    reports_recap = True

    def command(self, hosts, scratch):
        raise NotImplementedError

    def finish(self, scratch):
        """Ends what a run leaves behind; not measured."""

    def run(self, hosts, log):
        """One measured run: seconds, and the recap as {host: (ok, changed)} where the tool prints one."""
        with tempfile.TemporaryDirectory(prefix="kb-") as scratch:
            command, environment = self.command(hosts, Path(scratch))
            clean = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "KPLAY_"))}
            with log.open("w") as output:
                start = time.monotonic()
                done = subprocess.run(
                    [str(word) for word in command],
                    env=clean | environment,
                    cwd=HERE,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
                seconds = time.monotonic() - start
            self.finish(Path(scratch))
        if done.returncode != 0:
            raise Failure(f"exit code {done.returncode}, see {log}")
        return seconds, self.recap(hosts, log)

    def recap(self, hosts, log):
        if not self.reports_recap:
            return None
        rows = {name: tuple(map(int, numbers)) for name, *numbers in RECAP.findall(log.read_text())}
        for host in hosts.hosts:
            if host.name not in rows or rows[host.name][2:] != (0, 0):
                raise Failure(f"{host.name} is missing or failed in the recap, see {log}")
        return {name: numbers[:2] for name, numbers in rows.items()}


class Ansible(Peer):
    name = "ansible-core"
    settings = ""

    def __init__(self, venv):
        self.venv = venv

    def command(self, hosts, scratch):
        config = scratch / "ansible.cfg"
        control = scratch / "c"
        control.mkdir(mode=0o700)
        config.write_text(ANSIBLE_CONFIG.format(forks=FORKS, extra=self.settings, control=control))
        command = [self.venv / "bin" / "ansible-playbook", "-i", hosts.inventory, SITE]
        return command, {"ANSIBLE_CONFIG": str(config)}

    def finish(self, scratch):
        for control in (scratch / "c").iterdir():
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

    def command(self, hosts, scratch):
        return [self.venv / "bin" / "pyinfra", "-y", hosts.pyinfra_inventory, HERE / "deploy.py"], {}


class Kplay(Peer):
    name = "kplay"

    def __init__(self, binary):
        self.binary = binary

    def command(self, hosts, scratch):
        config = scratch / "ansible.cfg"
        config.write_text(f"[defaults]\nforks = {FORKS}\n")
        return [self.binary, SITE, "-i", hosts.inventory], {"ANSIBLE_CONFIG": str(config)}


class Floor(Peer):
    """`ssh host true`, one host after the other: the time of one host is the floor."""

    name = "ssh true"
    reports_recap = False

    def __init__(self):
        self.turn = 0

    def command(self, hosts, scratch):
        self.turn += 1
        return hosts.ssh(hosts.hosts[self.turn % len(hosts.hosts)], "true"), {}


def find_kplay(given):
    """The kplay binary: the one given, or the newest release build of this repository; None if there is none."""
    if given:
        path = Path(given).resolve()
        return path if os.access(path, os.X_OK) else None
    targets = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    built = [path for pattern in ("release/kplay", "*/release/kplay") for path in targets.glob(pattern)]
    return max(built, key=lambda path: path.stat().st_mtime, default=None)
