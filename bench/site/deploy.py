"""The work of site.yml for pyinfra, or with the datum `fleet` that of fleet.yml: the same files from the same templates, the
same users, package and service, the same questions. `run` compares what is on the hosts afterwards, byte by byte."""

from pathlib import Path

import yaml
from pyinfra import host
from pyinfra.facts.files import File
from pyinfra.facts.hardware import Cpus
from pyinfra.facts.server import Hostname
from pyinfra.operations import apt, files, python, server, systemd

SITE = Path(__file__).parent
FLEET = host.data.get("fleet") is not None
ROOT = "/opt/bench"
SETTINGS = yaml.safe_load((SITE / "settings.yml").read_text())
JINJA = {"trim_blocks": True}  # as ansible-core sets it
PARTS = ["web", "api", "worker", "queue", "cache", "database", "search", "mail", "metrics", "logs", "backup"]
if FLEET:
    PARTS = ["web", "api", "queue", "database"]

# The second template of each part: its name, its destination, its mode, and over what it loops.
SECOND = {
    "web": ("vhost.conf", "vhost-{}.conf", "644", SETTINGS["web"]["sites"]),
    "api": ("env", "env", "640", None),
    "worker": ("queue.conf", "queue-{}.conf", "644", SETTINGS["worker"]["queues"]),
    "queue": ("definitions.json", "definitions.json", "640", None),
    "cache": ("instance.conf", "instance-{}.conf", "644", SETTINGS["cache"]["instances"]),
    "database": ("pg_hba.conf", "pg_hba.conf", "640", None),
    "search": ("index.json", "index-{}.json", "644", SETTINGS["search"]["indices"]),
    "mail": ("aliases", "aliases", "640", None),
    "metrics": ("rules.yml", "rules.yml", "640", None),
    "logs": ("rotate", "rotate-{}", "644", SETTINGS["logs"]["sources"]),
    "backup": ("exclude", "exclude", "640", None),
}

LIMITS = {
    "web": "nofile 65536",
    "api": "nofile 32768",
    "worker": "nproc 2048",
    "queue": "nofile 16384",
    "cache": "memlock unlimited",
    "database": "rtprio 10",
    "search": "memlock 4194304",
    "mail": "nproc 512",
    "metrics": "nofile 131072",
    "logs": "fsize unlimited",
    "backup": "nice 10",
}

CHECKS = [
    f"ls {ROOT}/*/*.conf | wc -l",
    f"sort -c {ROOT}/limits.conf || true",
    f'find {ROOT} -type f -printf "%s %p\\n" | sort -n | tail -1',
    f"find {ROOT} -type f -perm -o+w",
    f"find {ROOT} -type f -empty",
    f'grep -rlF "<%" {ROOT} || true',
    f"df -P {ROOT} | tail -1",
    'cut -d" " -f1 /proc/loadavg',
    f"getent passwd {' '.join(user['name'] for user in SETTINGS['users'])} | wc -l",
    "awk '/btime/ {print $2}' /proc/stat",
    "uname -r",
]
if FLEET:
    CHECKS = [CHECKS[0], CHECKS[6], CHECKS[10]]

facts = {"bench_host": host.get_fact(Hostname), "bench_workers": max(host.get_fact(Cpus), 2)}


def block(path, lines):
    files.file(name=f"{path}: exists", path=path, mode="644")
    files.block(
        name=path,
        path=path,
        content="\n".join(lines),
        marker="# {mark} ANSIBLE MANAGED BLOCK",
    )


def template(source, destination, mode, **data):
    files.template(
        name=destination,
        src=str(SITE / "templates" / f"{source}.j2"),
        dest=destination,
        mode=mode,
        jinja_env_kwargs=JINJA,
        **SETTINGS,
        **facts,
        **data,
    )


def in_place(path):
    found = host.get_fact(File, path=path)
    assert found and found["mode"] == 644 and found["size"] > 20, f"{path}: {found}"


files.directory(name="Directory", path=ROOT, mode="755")
for part in PARTS:
    files.directory(name=f"Directory of {part}", path=f"{ROOT}/{part}", mode="755")
apt.packages(name="Package", packages=["curl"])
if not FLEET:
    for user, shell in zip(SETTINGS["users"], ["/usr/sbin/nologin", "/bin/bash"]):
        server.user(name=user["name"], user=user["name"], comment=user["comment"], shell=shell, create_home=True)
    systemd.service(name="Service", service="cron", running=True, enabled=True)
block(f"{ROOT}/hosts", [f"127.0.0.1 {facts['bench_host']} database", "127.0.0.1 search queue"])
block(
    f"{ROOT}/profile",
    [f"export WORKERS={facts['bench_workers']}", f"export RELEASE={SETTINGS['api']['environment']['RELEASE']}"],
)
files.file(name="Limits: exists", path=f"{ROOT}/limits.conf", mode="644")

for part in PARTS:
    template(f"{part}.conf", f"{ROOT}/{part}/{part}.conf", "644")
    source, destination, mode, items = SECOND[part]
    if items is None:
        template(f"{part}.{source}", f"{ROOT}/{part}/{destination}", mode)
    for item in items or []:
        name = item["name"] if isinstance(item, dict) else item
        template(f"{part}.{source}", f"{ROOT}/{part}/{destination.format(name)}", mode, item=item)
    files.put(name=f"{part}: notes", src=str(SITE / "files" / f"{part}.README"), dest=f"{ROOT}/{part}/README", mode="644")
    files.line(
        name=f"{part}: limit",
        path=f"{ROOT}/limits.conf",
        line=rf"^{part}\s.*$",
        replace=f"{part} {LIMITS[part]}",
    )
    python.call(name=f"{part}: the configuration is in place", function=in_place, path=f"{ROOT}/{part}/{part}.conf")

for check in CHECKS:
    server.shell(name=check, commands=[check])
