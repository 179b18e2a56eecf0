"""The work of files.yml for pyinfra."""

from pyinfra import host
from pyinfra.operations import files

files.sync(name="Tree", src=host.data.source.rstrip("/"), dest="/opt/bench/files", mode="644", dir_mode="755")
