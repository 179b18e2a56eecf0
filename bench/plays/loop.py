"""The work of loop.yml for pyinfra."""

from pyinfra.operations import files

for number in range(1000):
    files.directory(name=f"Directory {number}", path=f"/opt/bench/{number}", mode="750")
