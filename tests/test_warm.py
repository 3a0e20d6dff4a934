"""Tests run on one thread, and a kernel that the server forks is to a notebook what a
fresh one is."""

import nbformat
import pytest
import torch
import warm
from jupyter_client.provisioning import local_provisioner
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

CELLS = [
    "import os, sys; print(os.getcwd(), __name__, 'torch' in globals())",
    "import matplotlib; print('inline' in matplotlib.get_backend())",
    "print(os.getpgid(0) == os.getpid(), os.environ['OMP_NUM_THREADS'])",
    "import made_records",
]


def test_a_test_begins_on_one_thread():
    assert torch.get_num_threads() == 1


def test_a_kernel_knows_nothing_of_the_tests(tmp_path, monkeypatch):
    launch = warm.launcher(lambda *_, **__: pytest.fail("a process of its own"))
    monkeypatch.setattr(local_provisioner, "launch_kernel", launch)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    resources = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(notebook, kernel_name="python3", resources=resources)
    with pytest.raises(CellExecutionError, match="No module named 'made_records'"):
        client.execute()
    printed = [cell.outputs[0].text for cell in notebook.cells[:-1]]
    assert printed == [f"{tmp_path} __main__ False\n", "True\n", "True 1\n"]


def test_another_environment_s_kernel_is_not_this_one_s():
    launch = warm.launcher(lambda command, **options: (command, options))
    command = ["/elsewhere/bin/python", "-m", "ipykernel_launcher", "-f", "x.json"]
    assert launch(command, cwd="there") == (command, {"cwd": "there"})
