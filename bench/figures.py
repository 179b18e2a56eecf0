"""Turns samples into figures: a table for the terminal, Markdown for the docs, JSON for machines."""

import json
import statistics


def mebibytes(value):
    return f"{value / 2**20:.0f}" if value >= 10 * 2**20 else f"{value / 2**20:.1f}"


UNITS = {  # a sample's measure: its heading, and how it is written
    "cpu": ("CPU s", lambda value: f"{value:.2f}"),
    "memory": ("MiB", mebibytes),
    "host_cpu": ("hosts' CPU s", lambda value: f"{value:.2f}"),
    "host_memory": ("hosts' MiB", mebibytes),
    "round_trips": ("round trips", lambda value: f"{value:.0f}"),
    "bytes": ("KiB", lambda value: f"{value / 1024:.0f}"),
}


class Result:
    """What the tools showed in one case."""

    def __init__(self, name, title):
        self.name, self.title = name, title
        self.samples = {}  # per tool its runs, each a dictionary of measures
        self.failures = {}
        self.targets = []  # (what, reached, whether that is enough)
        self.about = {}

    def add(self, peer, sample):
        self.samples.setdefault(peer, []).append(sample)

    def values(self, peer, measure="seconds"):
        return [sample[measure] for sample in self.samples.get(peer, []) if sample.get(measure) is not None]

    def median(self, peer, measure="seconds"):
        """None where the tool has no such measure, or none that counts: it failed in a run."""
        values = self.values(peer, measure)
        return statistics.median(values) if values and peer not in self.failures else None

    def judge(self, targets):
        self.targets = [target.check(self) for target in targets if "kplay" in self.samples or "kplay" in self.failures]

    def rows(self):
        """Heading and rows, the slow first: median, range, runs, how many times kplay's median that is, and what it cost."""
        names = sorted((name for name in self.samples if self.median(name)), key=self.median, reverse=True)
        measures = [measure for measure in UNITS if any(self.values(name, measure) for name in names)]
        yield ["", "median s", "range s", "runs", "/ kplay", *(UNITS[measure][0] for measure in measures)]
        own = self.median("kplay")
        for name in names:
            times = self.values(name)
            row = [name, seconds(self.median(name)), f"{seconds(min(times))} - {seconds(max(times))}", str(len(times))]
            row.append("" if own is None or name == "kplay" else f"{ratio(self.median(name) / own)}")
            for measure in measures:
                value = self.median(name, measure)
                row.append("" if value is None else UNITS[measure][1](value))
            yield row

    def notes(self):
        return [f"{peer} failed: {reason}" for peer, reason in self.failures.items()]

    def verdicts(self):
        for what, reached, enough in self.targets:
            found = "unknown" if reached is None else ratio(reached)
            yield f"{what}: {found}" + ("" if enough else " (not reached)" if reached is not None else "")

    def as_data(self):
        medians = {
            peer: {m: self.median(peer, m) for m in ("seconds", *UNITS) if self.median(peer, m) is not None}
            for peer in self.samples
        }
        return {
            "title": self.title,
            "about": self.about,
            "medians": medians,
            "samples": self.samples,
            "failures": self.failures,
            "targets": [{"what": what, "reached": reached, "enough": bool(enough)} for what, reached, enough in self.targets],
        }

    @classmethod
    def from_data(cls, name, data):
        result = cls(name, data["title"])
        result.samples, result.failures, result.about = data["samples"], data["failures"], data["about"]
        result.targets = [(target["what"], target["reached"], target["enough"]) for target in data["targets"]]
        return result


def seconds(value):
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def ratio(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def text(result):
    rows = list(result.rows())
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = [f"{result.name}: {result.title}"]
    for name, *cells in rows:
        padded = [cell.rjust(width) for cell, width in zip(cells, widths[1:])]
        lines.append("  ".join(["", name.ljust(widths[0]), *padded]).rstrip())
    return "\n".join(lines + [f"  {line}" for line in (*result.verdicts(), *result.notes())])


def markdown(results, facts):
    """Everything that was measured, for docs/benchmarks.md."""
    lines = [", ".join(f"{name} {value}" for name, value in facts.items()) + "."]
    for result in results:
        heading, *rows = result.rows()
        lines += ["", f"### `{result.name}`", "", f"{result.title[0].upper()}{result.title[1:]}. {about(result)}", ""]
        lines.append("| " + " | ".join(heading) + " |")
        lines.append("| " + " | ".join(["---"] + ["---:"] * (len(heading) - 1)) + " |")
        lines += ["| " + " | ".join(row) + " |" for row in rows]
        if notes := [*result.verdicts(), *result.notes()]:
            lines += ["", *(f"* {note}" for note in notes)]
    return "\n".join(lines) + "\n"


def about(result):
    words = "; ".join(f"{name} {value}" for name, value in result.about.items())
    return words[:1].upper() + words[1:] + "."


class Store:
    """bench.json and bench.md in a directory: a case that is measured again replaces what was there. Other machines and other
    versions begin a new one."""

    def __init__(self, directory, facts, order):
        self.directory, self.facts, self.order = directory, facts, order
        self.results = {}
        file = directory / "bench.json"
        if file.exists():
            data = json.loads(file.read_text())
            if data.get("facts") == facts:
                self.results = {name: Result.from_data(name, case) for name, case in data["cases"].items()}

    def add(self, result):
        self.results[result.name] = result
        self.directory.mkdir(parents=True, exist_ok=True)
        data = {"facts": self.facts, "cases": {found.name: found.as_data() for found in self.sorted()}}
        (self.directory / "bench.json").write_text(json.dumps(data, indent=1) + "\n")
        (self.directory / "bench.md").write_text(self.markdown())

    def sorted(self):
        return [self.results[name] for name in self.order if name in self.results]

    def markdown(self):
        return markdown(self.sorted(), self.facts)
