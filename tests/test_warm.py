"""A kernel that the server forks is to a notebook what a fresh one is."""

import nbformat
import warm
from jupyter_client.provisioning import local_provisioner
from nbclient import NotebookClient

CELLS = [
    "import os, sys; print(os.getcwd(), __name__, 'torch' in globals())",
    "import importlib.util as u; print(*map(u.find_spec, ['made_records', 'chapters']))",
    "import matplotlib; print(matplotlib.get_backend())",
    "print(os.getpgid(0) == os.getpid(), os.environ['OMP_NUM_THREADS'])",
]


def test_a_kernel_knows_nothing_of_the_tests(tmp_path, monkeypatch):
    monkeypatch.setattr(local_provisioner, "launch_kernel", warm.Kernel)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, kernel_name="python3", resources=resources).execute()
    printed = ["".join(out.text for out in cell.outputs) for cell in notebook.cells]
    assert printed == [
        f"{tmp_path} __main__ False\n",
        "None None\n",
        "inline\n",
        "True 1\n",
    ]
