"""The stand-in for Proxmox VE (`tests/proxmox-server.rs`) for a case that asks one. Used by `works`."""

import os
import select
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
PATIENCE = 30  # seconds for it to come up


class Server:
    """A context manager: a made-up cluster behind TLS and a token; gives the environment in which clients find it."""

    def __init__(self, scratch, kplay, guests, nodes, delay):
        self.directory, self.kplay = scratch / "proxmox-server", kplay
        self.words = ["--guests", guests, "--nodes", nodes, "--delay", delay]

    def __enter__(self):
        self.directory.mkdir(exist_ok=True)
        words = ["--listen", "127.0.0.1:0", "--tls", self.directory, "--token", "bench@pve!bench=bench", *self.words]
        self.process = subprocess.Popen([program(self.kplay), *map(str, words)], stdout=subprocess.PIPE, text=True)
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        address = self.process.stdout.readline().strip() if ready else ""
        if not address:
            self.__exit__()
            raise SystemExit("bench: the Proxmox stand-in did not start")
        authority = str(self.directory / "ca.pem")
        return {"PROXMOX_URL": address, "PROXMOX_CA_PATH": authority, "REQUESTS_CA_BUNDLE": authority}

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def program(kplay):
    """Its path: $KPLAY_PROXMOX_SERVER, one beside the kplay under measurement, or a release build of this repository."""
    if given := os.environ.get("KPLAY_PROXMOX_SERVER"):
        return given
    beside = Path(kplay.binary).parent / "proxmox-server" if kplay else None
    if beside and beside.exists():
        return beside
    words = ["cargo", "build", "--quiet", "--release", "--example", "proxmox-server"]
    subprocess.run(words, cwd=HERE.parent, check=True)
    targets = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    built = [path for pattern in ("release", "*/release") for path in targets.glob(f"{pattern}/examples/proxmox-server")]
    return max(built, key=lambda path: path.stat().st_mtime)
