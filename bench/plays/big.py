"""The work of big.yml for pyinfra."""

from pyinfra import host
from pyinfra.operations import files

files.put(name="File", src=host.data.source, dest="/opt/bench/big", mode="644")
