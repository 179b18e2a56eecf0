#!/usr/bin/env python3
"""Records which names Ansible knows: modules, filters, tests, lookups, keywords.

Run it with the python of an environment that has the `ansible` package (12) and ansible-core (2.19.14):

    python tests/names/record.py

It writes src/playbook/names/*.txt. `modules.txt`, `filters.txt`, `tests.txt` and `lookups.txt` hold a line per collection: its
name, then its plugins. `redirects.txt` holds a line per pair of collections, then what the first calls its own and the second
has, with `OLD=NEW` where the name changed. `gone.txt` holds a line per name that was removed, with what Ansible says of it.
`groups.txt` holds the action groups, members of the group's own collection without its name. `keywords.txt` holds a line per
kind of thing in a playbook.
"""

import pathlib
import sys

import yaml

import ansible
import ansible.plugins.loader as loader
from ansible.plugins.list import list_plugins

OUT = pathlib.Path(__file__).resolve().parents[2] / "src" / "playbook" / "names"
CORE = pathlib.Path(ansible.__file__).parent
COLLECTIONS = CORE.parent / "ansible_collections"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def collections():
    for path in sorted(COLLECTIONS.glob("*/*/MANIFEST.json")):
        yield f"{path.parent.parent.name}.{path.parent.name}", path.parent


def python_names(folder):
    """Names of the plugins in a folder, below it with dots."""
    for path in sorted(folder.rglob("*.py")) + sorted(folder.rglob("*.ps1")):
        parts = path.relative_to(folder).with_suffix("").parts
        if not any(part.startswith("_") for part in parts):
            yield ".".join(parts)


def routing(path):
    file = path / "meta" / "runtime.yml"
    if not file.exists():
        return {}
    return yaml.load(file.read_text(), Loader=LOADER) or {}


def write(name, lines):
    text = "".join(line + "\n" for line in lines)
    (OUT / name).write_text(text)
    print(f"{name}: {len(lines)} lines, {len(text)} bytes")


def by_collection(names):
    table = {}
    for name in names:
        collection, rest = split(name)
        table.setdefault(collection, set()).add(rest)
    return [" ".join([collection, *sorted(found)]) for collection, found in sorted(table.items())]


def split(name):
    namespace, collection, rest = name.split(".", 2)
    return f"{namespace}.{collection}", rest


def main():
    loader.init_plugin_loader([])
    modules, routes, groups = set(), {}, {}
    builtin = yaml.load((CORE / "config" / "ansible_builtin_runtime.yml").read_text(), Loader=LOADER)
    sources = [("ansible.builtin", CORE, CORE / "modules", CORE / "plugins" / "action", builtin)]
    for name, path in collections():
        plugins = path / "plugins"
        sources.append((name, path, plugins / "modules", plugins / "action", routing(path)))
    for name, _path, module_folder, action_folder, runtime in sources:
        for folder in (module_folder, action_folder):
            if folder.is_dir():
                modules.update(f"{name}.{module}" for module in python_names(folder))
        plugin_routing = runtime.get("plugin_routing") or {}
        for kind in ("action", "modules"):
            for module, entry in (plugin_routing.get(kind) or {}).items():
                entry = entry or {}
                if "redirect" in entry:
                    target = entry["redirect"]
                    routes[f"{name}.{module}"] = target if target.count(".") >= 2 else f"{name}.{target}"
                elif "tombstone" in entry:
                    routes[f"{name}.{module}"] = "! " + " ".join((entry["tombstone"].get("warning_text") or "").split())
        for group, members in (runtime.get("action_groups") or {}).items():
            group = group if group.count(".") >= 2 else f"{name}.{group}"
            groups[group] = [member if isinstance(member, dict) else
                             member if member.count(".") >= 2 else f"{name}.{member}" for member in members or []]
    # `include` is refused, `normal` and the like are machinery.
    for machinery in ("async_wrapper", "include", "normal"):
        modules.discard(f"ansible.builtin.{machinery}")
    modules.update(f"ansible.builtin.{name}" for name in
                   ("meta", "include_tasks", "include_role", "import_tasks", "import_role", "import_playbook"))

    resolved = {}
    for name in routes:
        target, seen = name, set()
        while target in routes and target not in seen and not routes[target].startswith("!"):
            seen.add(target)
            target = routes[target]
        if "redirected" in name or "formerly_core" in name:
            continue  # made for ansible-core's own tests
        if target in routes and routes[target].startswith("!"):
            resolved[name] = routes[target]
        elif target in modules and target != name:
            resolved[name] = target
    for name in resolved:
        modules.discard(name)

    write("modules.txt", by_collection(modules))
    pairs, gone = {}, []
    for name, target in sorted(resolved.items()):
        if target.startswith("!"):
            gone.append(f"{name} {target[1:].strip()}".strip())
            continue
        here, there = split(name), split(target)
        moved = here[1] if here[1] == there[1] else f"{here[1]}={there[1]}"
        pairs.setdefault((here[0], there[0]), []).append(moved)
    write("redirects.txt", [" ".join([*pair, *names]) for pair, names in sorted(pairs.items())])
    write("gone.txt", gone)

    flat = {}
    def expand(group, seen):
        if group in seen or group not in groups:
            return set()
        found = set()
        for member in groups[group]:
            if isinstance(member, dict):
                extended = (member.get("metadata") or {}).get("extend_group") or []
                for other in [extended] if isinstance(extended, str) else extended:
                    other = other if other.count(".") >= 2 else ".".join(group.split(".")[:2]) + "." + other
                    found |= expand(other, seen | {group})
            else:
                member = resolved.get(member, member)
                if member in modules:
                    found.add(member)
        return found
    for group in groups:
        flat[group] = expand(group, set())
    write("groups.txt", [" ".join([group, *sorted(member.removeprefix(split(group)[0] + ".") for member in members)])
                         for group, members in sorted(flat.items()) if members])

    names = ["ansible.builtin"] + [name for name, _ in collections()]
    for kind, file in (("filter", "filters.txt"), ("test", "tests.txt"), ("lookup", "lookups.txt")):
        found = set()
        for name in list_plugins(kind, names):
            if name.count(".") >= 2:
                found.add(name)
        moved = {}
        for name, _path, _modules, _actions, runtime in sources:
            for plugin, entry in ((runtime.get("plugin_routing") or {}).get(kind) or {}).items():
                if entry and "redirect" in entry:
                    moved[f"{name}.{plugin}"] = entry["redirect"]
        for name in moved:
            target = moved[name]
            while target in moved:
                target = moved[target]
            if target in found:
                found.add(name)
        lines = by_collection(found)
        if kind in ("filter", "test"):
            import jinja2.defaults
            own = jinja2.defaults.DEFAULT_FILTERS if kind == "filter" else jinja2.defaults.DEFAULT_TESTS
            lines.append(" ".join(["jinja2", *sorted(own)]))
        write(file, lines)

    from ansible.playbook.block import Block
    from ansible.playbook.handler import Handler
    from ansible.playbook.handler_task_include import HandlerTaskInclude
    from ansible.playbook.loop_control import LoopControl
    from ansible.playbook.play import Play
    from ansible.playbook.playbook_include import PlaybookInclude
    from ansible.playbook.role.include import RoleInclude
    from ansible.playbook.role.metadata import RoleMetadata
    from ansible.playbook.task import Task
    from ansible.playbook.task_include import TaskInclude
    kinds = {
        "play": set(Play.fattributes) | {"user"},
        "import_playbook": set(PlaybookInclude.fattributes),
        "role": set(RoleInclude.fattributes),
        "role metadata": set(RoleMetadata.fattributes),
        "block": set(Block.fattributes),
        "task": set(Task.fattributes) | {"local_action"},
        "handler": set(Handler.fattributes) | {"local_action"},
        "dynamic include": set(TaskInclude.VALID_INCLUDE_KEYWORDS),
        "dynamic include in handlers": set(HandlerTaskInclude.VALID_INCLUDE_KEYWORDS),
        "loop_control": set(LoopControl.fattributes),
    }
    write("keywords.txt", [f"{kind}: {' '.join(sorted(names))}" for kind, names in kinds.items()])


if __name__ == "__main__":
    sys.exit(main())
