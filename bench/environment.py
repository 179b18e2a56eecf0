"""The peers' virtual environment, outside the repository. Used by `run`."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements.txt"
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
