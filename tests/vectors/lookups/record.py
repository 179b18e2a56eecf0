"""Asks ansible-core what lookups give, and writes its answers to answers.json beside this file.

Run it with ansible-core's own Python: `python tests/vectors/lookups/record.py`. Each line below is an expression, or a
`with_NAME:` loop as JSON: [name, terms]. The folder `files` is the playbook's folder; `@` stands for it in the answers.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).parent
home = pathlib.Path(tempfile.mkdtemp())
folder = home / "files"
shutil.copytree(here / "files", folder)
os.chdir(folder)
os.environ.update(KPLAY_WORD="from outside", KPLAY_EMPTY="", HOME=str(home))
os.environ.pop("KPLAY_ABSENT", None)

from ansible import __version__  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.plugins.loader import init_plugin_loader  # noqa: E402
from ansible.template import Templar, trust_as_template  # noqa: E402

EXPRESSIONS = [line for line in (here / "expressions.txt").read_text().splitlines() if line and not line.startswith("# ")]
LOOPS = json.loads((here / "loops.json").read_text())
VARIABLES = json.loads((here / "variables.json").read_text())


def trusted(value):
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return value


def plain(value):
    return json.loads(json.dumps(value, default=str).replace(str(folder), "@"))


def ask(templar, text):
    try:
        value = templar.evaluate_expression(trust_as_template(text))
    except Exception as error:  # any failure is an answer
        kind = "undefined" if "Undefined" in type(error).__name__ else "error"
        return {"fails": kind, "says": plain(str(error))}
    return {"gives": plain(value)}


def loops():
    tasks = []
    for index, (name, terms) in enumerate(LOOPS):
        tasks.append({"debug": {"msg": "{{ item }}"}, "with_" + name: terms, "register": f"r{index}", "ignore_errors": True})
    names = ", ".join(f"r{index}" for index in range(len(LOOPS)))
    tasks.append({"copy": {"dest": str(home / "out.json"), "content": "{{ [" + names + "] | to_json }}"}})
    play = [{"hosts": "localhost", "gather_facts": False, "vars": {**VARIABLES, "ansible_python_interpreter": sys.executable}, "tasks": tasks}]
    (folder / "play.json").write_text(json.dumps(play))
    program = pathlib.Path(sys.executable).parent / "ansible-playbook"
    subprocess.run([program, "-i", "localhost,", "-c", "local", "play.json"], check=True, stdout=subprocess.DEVNULL)
    for register in json.loads((home / "out.json").read_text()):
        if "results" in register:
            yield {"gives": plain([result["item"] for result in register["results"]])}
        elif register.get("skipped"):
            yield {"gives": []}
        else:
            yield {"fails": "error", "says": plain(register.get("msg"))}


init_plugin_loader()
loader = DataLoader()
loader.set_basedir(str(folder))
variables = trusted(VARIABLES)
groups = {"web": ["h1", "h2"], "db": ["h3"], "all": ["h1", "h2", "h3"], "ungrouped": []}
variables.update(ansible_search_path=[str(folder)], groups=groups, inventory_hostname="h1")
templar = Templar(loader=loader, variables=variables)
cases = [{"expression": text, **ask(templar, text)} for text in EXPRESSIONS]
cases += [{"loop": loop, **answer} for loop, answer in zip(LOOPS, loops())]
(here / "answers.json").write_text(json.dumps({"ansible_core": __version__, "cases": cases}, indent=1, ensure_ascii=False) + "\n")
shutil.rmtree(home)
