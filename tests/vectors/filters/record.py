"""Asks ansible-core what filters and tests give, and writes its answers to expressions.json beside this file.

Run it with ansible-core's own Python: `python tests/vectors/filters/record.py`. An answer is Python's `repr` of the result
(a date by itself as its `str`), or null where the expression fails.
"""

import datetime
import json
import pathlib

import jinja2
from ansible import __version__
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template

here = pathlib.Path(__file__).parent

VARIABLES = {
    "users": [
        {"name": "bob", "uid": 3, "groups": ["a", "b"], "on": True},
        {"name": "Alice", "uid": 1, "groups": ["c"], "on": False},
        {"name": "carl", "uid": 2, "groups": []},
    ],
    "nested": {"a": {"b": [1, 2, {"c": "deep"}]}, "z": None},
    "left": {"a": 1, "b": {"x": 1, "y": [1, 2]}, "l": [1, 2, 3]},
    "right": {"b": {"y": [2, 3], "z": 3}, "c": 4, "l": [3, 4]},
    "words": "the quick brown fox jumps over the lazy dog and runs through the well-known state-of-the-art forest",
    "lines": "one\n  two\n\nthree\n",
    "numbers": [3, 1, 2, 1],
    "result": {"changed": True, "failed": False, "rc": 0},
    "loop": {"results": [{"changed": False}, {"changed": True}]},
    "text": "Grüße, Welt",
    "long": "word " * 40,
    "config": {
        "server": {"host": "a.example", "ports": [80, 443], "tls": True, "note": "it's: fine", "empty": "", "none": None},
        "list": [{"a": 1, "b": [1, 2]}, "x: y", "#c", "yes", "12", "1.5", "2001-01-01", "~", "- a", "a#b", "a #b", "tab\there"],
        "multi": "line one\nline two\n",
        "nums": [1, -1.5, 1e20, 1e-7, 12345678901234567890],
    },
}

EXPRESSIONS = (here / "expressions.txt").read_text().splitlines()


def written(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(key)}: {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(written(item) for item in value) + "]"
    if isinstance(value, str):
        return repr(str(value))
    return repr(value)


init_plugin_loader()
templar = Templar(loader=DataLoader(), variables=VARIABLES)
cases = []
for expression in EXPRESSIONS:
    if not expression.strip() or expression.startswith("##"):
        continue
    try:
        result = templar.template(trust_as_template("{{ " + expression + " }}"))
        answer = str(result) if isinstance(result, (datetime.date, datetime.datetime)) else written(result)
    except Exception:
        answer = None
    cases.append([expression, answer])

versions = {"ansible-core": __version__, "jinja2": jinja2.__version__}
lines = ",\n".join("  " + json.dumps(case, ensure_ascii=False) for case in cases)
variables = json.dumps(VARIABLES, ensure_ascii=False)
(here / "expressions.json").write_text(
    f'{{"versions": {json.dumps(versions)},\n"variables": {variables},\n"cases": [\n{lines}\n]}}\n'
)
print(len(cases), "cases,", sum(answer is None for _, answer in cases), "failures")
