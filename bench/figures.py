"""Turns samples into figures: a table for the terminal, Markdown for the docs, JSON for machines."""

import json
import statistics


class Case:
    """One situation (converged or first run, at one latency) and the seconds that each tool took in it."""

    def __init__(self, state, round_trip):
        self.state, self.round_trip = state, round_trip
        self.samples = {}
        self.failures = {}

    @property
    def title(self):
        return f"{self.state} run, {self.round_trip} ms added latency"

    def add(self, peer, seconds):
        self.samples.setdefault(peer, []).append(seconds)

    def median(self, peer):
        return statistics.median(self.samples[peer])

    def rows(self):
        """Heading and rows: per tool its median, its range, its number of runs, and how many times the median of every
        other tool that is."""
        names = sorted(self.samples, key=self.median, reverse=True)
        yield ["", "median s", "range s", "runs", *(f"/ {name}" for name in names)]
        for name in names:
            times = self.samples[name]
            ratios = ["" if name == other else ratio(self.median(name) / self.median(other)) for other in names]
            yield [name, f"{self.median(name):.2f}", f"{min(times):.2f} - {max(times):.2f}", str(len(times)), *ratios]

    def notes(self):
        return [f"{peer}: {reason}" for peer, reason in self.failures.items()]


def ratio(value):
    return f"{value:.1f}x" if value >= 1 else f"{value:.3f}x"


def text(case):
    rows = list(case.rows())
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = [case.title]
    for name, *cells in rows:
        padded = [cell.rjust(width) for cell, width in zip(cells, widths[1:])]
        lines.append("  ".join(["", name.ljust(widths[0]), *padded]).rstrip())
    return "\n".join(lines + [f"  {note}" for note in case.notes()])


def markdown(cases, facts):
    lines = [", ".join(f"{name} {value}" for name, value in facts.items()) + "."]
    for case in cases:
        heading, *rows = case.rows()
        lines += ["", f"**{case.title[0].upper()}{case.title[1:]}**", ""]
        lines.append("| " + " | ".join(heading) + " |")
        lines.append("| " + " | ".join(["---"] + ["---:"] * (len(heading) - 1)) + " |")
        lines += ["| " + " | ".join(row) + " |" for row in rows]
        lines += [f"\n{note}" for note in case.notes()]
    return "\n".join(lines) + "\n"


def write(cases, facts, directory):
    """Writes bench.json and bench.md."""
    directory.mkdir(parents=True, exist_ok=True)
    data = {
        "facts": facts,
        "cases": [
            {
                "state": case.state,
                "added_latency_ms": case.round_trip,
                "seconds": case.samples,
                "median_seconds": {peer: case.median(peer) for peer in case.samples},
                "failures": case.failures,
            }
            for case in cases
        ],
    }
    (directory / "bench.json").write_text(json.dumps(data, indent=2) + "\n")
    (directory / "bench.md").write_text(markdown(cases, facts))
