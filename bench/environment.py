"""The peers' virtual environment, outside the repository. Used by `run`."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
REQUESTS = "2.34.2"
VERSIONS = dict(line.split("==") for line in REQUIREMENTS.read_text().split())


def prepare():
    """Its directory; made anew when requirements.txt has changed."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = Path(os.environ.get("KPLAY_BENCH_VENV") or cache / "kplay-bench" / "venv")
    stamp = directory / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
        print(f"bench: installing the peers into {directory}", file=sys.stderr)
        shutil.rmtree(directory, ignore_errors=True)
        venv.create(directory, with_pip=True)
        subprocess.run([directory / "bin" / "pip", "install", "--quiet", "-r", REQUIREMENTS], check=True)
        shutil.copy(REQUIREMENTS, stamp)
    return directory


def collections():
    """The virtual environment of the ansible with collections that the oracle's cases are recorded with; made where it is missing.
    The Proxmox plugin also needs `requests`, which ansible does not bring."""
    program = HERE.parent / "tests" / "oracle" / "ansible-core"
    told = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    directory = Path(told).parent.parent
    if subprocess.run([directory / "bin" / "python3", "-c", "import requests"], capture_output=True).returncode != 0:
        subprocess.run([directory / "bin" / "python3", "-m", "pip", "install", "--quiet", f"requests=={REQUESTS}"], check=True)
    return directory
