"""Environments that are made for a test: new ones, with what is asked for inside."""

import re
import subprocess
import sysconfig
import venv
from pathlib import Path


def run(*command, **options) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def environment(folder: Path, fill) -> Path:
    """The Python of a new environment, with what `fill` puts into its packages."""
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    (folder / "packages").mkdir()
    fill(folder / "packages")
    own = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    path = Path(own.stdout.strip()) / "there.pth"
    path.write_text(f"{folder / 'packages'}\n")
    return python


def link_all_but_dpcore(folder: Path, without: frozenset | set = frozenset()) -> None:
    for kind in ("purelib", "platlib"):
        for entry in Path(sysconfig.get_path(kind)).iterdir():
            name = re.split(r"[-.]", entry.name.lower())[0]
            if "dpcore" not in entry.name and name not in without:
                if not (folder / entry.name).exists():
                    (folder / entry.name).symlink_to(entry)


def pretend(versions: dict[str, str]):
    """Fills an environment with packages that are there in name only; and with pip."""

    def fill(folder: Path) -> None:
        (folder / "pip").symlink_to(Path(sysconfig.get_path("purelib")) / "pip")
        for name, version in versions.items():
            info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
            info.mkdir()
            metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            (info / "METADATA").write_text(metadata)
            (info / "INSTALLER").write_text("pip\n")

    return fill
