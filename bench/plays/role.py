"""The work of the long role (group.yml) for pyinfra."""

from io import StringIO
from pathlib import Path

from pyinfra import host
from pyinfra.facts.files import File
from pyinfra.operations import files, python, server

TEMPLATE = Path(__file__).parent / "templates" / "long.conf.j2"
ROOT = "/opt/bench"


def is_there(path):
    found = host.get_fact(File, path=path)
    assert found and found["size"] == 19, f"{path}: {found}"


for number in range(int(host.data.groups)):
    part = f"{ROOT}/{number:02}"
    files.directory(name=f"{part}: directory", path=part, mode="755")
    files.put(name=f"{part}: text", src=StringIO(f"part {number:02}, port 9000\n"), dest=f"{part}/text", mode="644")
    files.template(
        name=f"{part}: template",
        src=str(TEMPLATE),
        dest=f"{part}/long.conf",
        mode="640",
        jinja_env_kwargs={"trim_blocks": True},
        number=f"{number:02}",
        long_port=9000,
        long_names=["alpha", "beta", "gamma"],
    )
    files.file(name=f"{part}: lines exist", path=f"{part}/lines", mode="644")
    files.line(name=f"{part}: line", path=f"{part}/lines", line=rf"^{number:02}=.*$", replace=f"{number:02}=9000")
    python.call(name=f"{part}: it is there", function=is_there, path=f"{part}/text")
    files.file(name=f"{part}: block exists", path=f"{part}/block", mode="644")
    files.block(name=f"{part}: block", path=f"{part}/block", content="size 9019", marker="# {mark} ANSIBLE MANAGED BLOCK")
    files.link(name=f"{part}: link", path=f"{part}/link", target="text")
    server.shell(name=f"{part}: question", commands=[f"cat {part}/text"])
