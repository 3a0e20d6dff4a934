"""Run notebooks again, in place: make execute NOTEBOOKS="03_assignment_math".

One kernel at a time. A notebook that fails keeps the outputs it had. What a run took is
kept in book/results/execution.json, from which book/status.md is written.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import nbformat
from chapters import ROOT, code_cells, is_available, named_datasets, paths, read
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tqdm import tqdm

from dpcore.data.files import write_whole

RESULTS = ROOT / "book" / "results" / "execution.json"
STATUS = ROOT / "book" / "status.md"
PACKAGES = ("torch", "torch-geometric", "numpy", "matplotlib")
TIMEOUT = 600  # seconds a cell; a chapter may take 120 s as a whole

# Run after the last cell of a notebook, in its kernel, and not kept.
_PEAK_CELL = "import resource as r; print(r.getrusage(r.RUSAGE_SELF).ru_maxrss)"

_STATUS_HEAD = """\
# Status

How long each chapter took on a quiet machine, and with what. Written by `make execute`,
which runs every notebook from top to bottom in a fresh kernel. (A run on a busy machine
makes outputs and leaves the row as it was: its seconds say nothing.)

| chapter | seconds | peak memory | data | measured on |
|---|---:|---:|---|---|
"""


def execute(path: Path) -> dict:
    """Run one notebook and write it back whole; the record of the run."""
    notebook = read(path)
    datasets = {name: is_available(name) for name in named_datasets(notebook)}
    notebook.cells.append(nbformat.v4.new_code_cell(_PEAK_CELL))
    start = time.perf_counter()
    with tqdm(total=len(code_cells(notebook)) - 1, desc=path.stem, unit="cell") as bar:
        NotebookClient(
            notebook,
            timeout=TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,  # a busy machine prints one text in parts
            resources={"metadata": {"path": str(path.parent)}},
            on_cell_executed=lambda cell, **_: bar.update(cell.source != _PEAK_CELL),
        ).execute()
    seconds = time.perf_counter() - start
    peak = int(notebook.cells.pop().outputs[0].text)
    write_whole(path, nbformat.writes(notebook) + "\n")
    return {
        "seconds": round(seconds, 1),
        "peak_mib": peak // (2**20 if sys.platform == "darwin" else 2**10),
        "datasets": datasets,
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def busy() -> bool:
    """Whether more wants to run than there are cores: seconds say nothing then."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


def status_page(records: dict[str, dict]) -> str:
    """The page book/status.md, from the records of the runs."""
    lines, notes = [], []
    for name, run in sorted(records.items()):
        found = sorted(run["datasets"].items())  # as the kept record has them
        data = [n + " (fallback)" * (not ok) for n, ok in found]
        lines.append(
            f"| [{name}](../notebooks/{name}.ipynb) | {run['seconds']:.1f} "
            f"| {run['peak_mib']} MiB | {', '.join(data) or 'none needed'} "
            f"| {run['date']} |"
        )
        packages = ", ".join(f"{n} {v}" for n, v in sorted(run["packages"].items()))
        notes.append(f"Python {run['python']}, {packages} ({run['machine']})")
    made_with = "\n".join(f"- {note}" for note in dict.fromkeys(notes))
    return _STATUS_HEAD + "\n".join(lines) + "\n\nMade with:\n\n" + made_with + "\n"


def load_records() -> dict[str, dict]:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def main() -> int:
    known = {path.stem: path for path in paths()}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    names = [Path(name).stem for name in parser.parse_args().names] or list(known)
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"no such notebook: {', '.join(unknown)}")
    records = {n: r for n, r in load_records().items() if n in known}
    failed = []
    for name in names:
        was_busy = busy()
        try:
            run = execute(known[name])
        except CellExecutionError as error:
            failed.append(name)
            print(f"{name} failed, its outputs stay as they were:\n{error}")
            continue
        if was_busy and name in records:
            print(f"{name}: the machine is busy, so its old seconds stay")
            records[name]["datasets"] = run["datasets"]
        else:
            records[name] = run
        missing = [n for n, real in records[name]["datasets"].items() if not real]
        if missing:
            print(f"{name}: NOT the real {', '.join(missing)}: do not commit it")
        write_whole(RESULTS, json.dumps(records, indent=1, sort_keys=True) + "\n")
        write_whole(STATUS, status_page(records))
    print(f"{len(names) - len(failed)} of {len(names)} notebooks ran")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
