"""Makes what is too big to keep: trees of files, a role of any length, a large site, a large inventory.

Everything is the same each time. What is there already is kept, so that two cases can share it. Used by works.py.
"""

import hashlib
import shutil
from pathlib import Path

PLAYS = Path(__file__).parent / "plays"


def once(make):
    """Calls `make` only if its first argument does not exist, and returns that."""

    def wrapped(place, *arguments, **options):
        if not place.exists():
            make(place, *arguments, **options)
        return place

    return wrapped


@once
def small_files(directory, count):
    """Files of 100 bytes to 8 KiB, fifty to a directory."""
    for number in range(count):
        seed = hashlib.sha256(str(number).encode()).hexdigest()
        path = directory / f"part-{number // 50:03}" / f"file-{number:04}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((seed * 128)[: 100 + int(seed[:8], 16) % 8092])
        path.chmod(0o644)
    for path in [directory, *directory.iterdir()]:
        path.chmod(0o755)


@once
def big_file(path, size):
    """A file that no compression shrinks."""
    block = hashlib.shake_256(b"kplay").digest(1 << 20)
    with path.open("wb") as file:
        for number in range(size >> 20):
            key = hashlib.shake_256(str(number).encode()).digest(1 << 10)
            # The same block with another key each time: as random as is needed, and made in a second.
            mixed = int.from_bytes(block) ^ int.from_bytes(key * (1 << 10))
            file.write(mixed.to_bytes(1 << 20))
    path.chmod(0o644)


def role(directory, tasks, root="/opt/bench"):
    """A playbook with one role of that many tasks: groups of ten, one of each kind in plays/group.yml."""
    playbook = directory / "play.yml"
    if playbook.exists():
        return playbook
    place = directory / "roles" / "long"
    (place / "tasks").mkdir(parents=True)
    (place / "defaults").mkdir()
    shutil.copytree(PLAYS / "templates", place / "templates")
    group = (PLAYS / "group.yml").read_text()
    names = [f"group-{number:02}.yml" for number in range(tasks // 10)]
    for number, name in enumerate(names):
        (place / "tasks" / name).write_text(group.replace("NUMBER", f"{number:02}"))
    lines = [f"- ansible.builtin.import_tasks: {name}\n" for name in names]
    (place / "tasks" / "main.yml").write_text("".join(lines))
    (place / "defaults" / "main.yml").write_text(f'long_root: "{root}"\nlong_port: 9000\nlong_names: [alpha, beta, gamma]\n')
    play = f"- name: A long role\n  hosts: all\n  gather_facts: false\n  roles: [long]\n"
    playbook.write_text(play)
    return playbook


def large_site(directory, roles, tasks, hosts):
    """A playbook of many roles with templates, handlers, defaults and conditions, and an inventory for it."""
    playbook = directory / "site.yml"
    if playbook.exists():
        return playbook
    names = [f"part{number:03}" for number in range(roles)]
    for name in names:
        place = directory / "roles" / name
        for folder in ("tasks", "handlers", "defaults", "templates"):
            (place / folder).mkdir(parents=True)
        (place / "tasks" / "main.yml").write_text("".join(_task(name, number) for number in range(tasks)))
        handler = f"- name: restart {name}\n  ansible.builtin.service:\n    name: {name}\n    state: restarted\n"
        (place / "handlers" / "main.yml").write_text(handler)
        defaults = [f"{name}_value_{number}: {number}\n" for number in range(tasks)]
        (place / "defaults" / "main.yml").write_text("".join(defaults))
        (place / "templates" / "part.conf.j2").write_text(f"value = {{{{ {name}_value_1 }}}}\n" * 20)
    play = ["- name: A large site\n", "  hosts: all\n", "  gather_facts: false\n", "  roles:\n"]
    playbook.write_text("".join(play + [f"    - {name}\n" for name in names]))
    machines = [f"host{number:03} ansible_host=192.0.2.{number % 250 + 1}\n" for number in range(hosts)]
    (directory / "hosts.ini").write_text("[site]\n" + "".join(machines))
    return playbook


def _task(name, number):
    """Four kinds in turn."""
    value = f"{name}_value_{number}"
    head = f'- name: "{name}: step {number}"\n'
    bodies = [
        f"  ansible.builtin.template:\n    src: part.conf.j2\n    dest: /etc/{name}/{number}.conf\n"
        f'    mode: "0644"\n  when: {value} | int > 0\n  notify: restart {name}\n',
        f"  ansible.builtin.lineinfile:\n    path: /etc/{name}/settings\n    regexp: '^value_{number}='\n"
        f"    line: value_{number}={{{{ {value} }}}}\n",
        f"  ansible.builtin.file:\n    path: /srv/{name}/{{{{ item }}}}\n    state: directory\n"
        f'    mode: "0755"\n  loop: "{{{{ range({value} | int) | list }}}}"\n',
        f"  ansible.builtin.command: /usr/bin/{name} --value {{{{ {value} | default(1) }}}}\n"
        f"  register: {name}_answer_{number}\n  changed_when: \"'changed' in {name}_answer_{number}.stdout\"\n",
    ]
    return head + bodies[number % len(bodies)]


@once
def inventory(directory, hosts, groups):
    """An inventory of racks in rooms: variables of hosts, groups and all."""
    directory.mkdir()
    (directory / "group_vars").mkdir()
    lines = []
    for group in range(groups):
        lines.append(f"[rack{group:03}]\n")
        for number in range(group, hosts, groups):
            lines.append(f"host{number:05}.example.org rack={group} unit={number // groups} address=10.0.{group}.{number // groups}\n")
        (directory / "group_vars" / f"rack{group:03}.yml").write_text(
            f"gateway: 10.0.{group}.254\nnames: [a{group}, b{group}]\nsettings: {{speed: {group}, room: {group // 20}}}\n"
        )
    for room in range(groups // 20):
        lines.append(f"[room{room}:children]\n")
        lines += [f"rack{group:03}\n" for group in range(room * 20, room * 20 + 20)]
    (directory / "hosts.ini").write_text("".join(lines))
    (directory / "group_vars" / "all.yml").write_text("domain: example.org\ntime_servers: [192.0.2.1, 192.0.2.2]\n")


@once
def proxmox_source(directory):
    """A source of the Proxmox plugin that asks for everything there is to know of each guest; PROXMOX_URL says where."""
    directory.mkdir()
    (directory / "bench.proxmox.yml").write_text(
        "plugin: community.proxmox.proxmox\nuser: bench@pve\ntoken_id: bench\ntoken_secret: bench\nwant_facts: true\n"
        "keyed_groups:\n  - key: proxmox_tags_parsed\n    prefix: tag\n"
    )
