"""Data sets of the collection that dpcore knows only by name."""

import json
import zipfile

import pytest
import torch

import dpcore
from dpcore.data.expected import COLLECTION, EXPECTED, known_name

FILES = {  # two graphs, the second twice as large; edge 1-2 in both directions
    "A": "1, 2\n2, 1\n3, 4\n4, 3\n5, 6\n6, 5\n",
    "graph_indicator": "1\n1\n2\n2\n2\n2\n",
    "graph_labels": "-1\n1\n",
    "node_labels": "3\n4\n3\n6\n3\n3\n",
    "edge_labels": "1\n1\n0\n0\n1\n1\n",
    "node_attributes": "0.5, 1\n1, 1\n2, 1\n3, 1\n4, 1\n5, 1\n",
}


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """Writes NCI1.zip into a mirror; no server is asked."""
    monkeypatch.setenv("DPCORE_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("DPCORE_MIRROR", str(tmp_path))
    monkeypatch.setattr("dpcore.data.datasets.TUDataset.url", "file:///nowhere")

    def write(files):
        with zipfile.ZipFile(tmp_path / "NCI1.zip", "w") as archive:
            for kind, text in files.items():
                archive.writestr(f"NCI1/NCI1_{kind}.txt", text)

    return write


def empty_cache(tmp_path):
    for path in (tmp_path / "cache").glob("*.pt"):
        path.unlink()


def test_any_name_of_the_collection_loads_with_what_its_files_have(mirror):
    mirror(FILES)
    with pytest.warns(UserWarning, match="NCI1: dpcore does not know.*2 graphs, 6 nod"):
        graphs = dpcore.load_dataset("nci1", attributes=True, edge_labels=True)
    assert repr(graphs) == "GraphDataset('NCI1', 2 graphs, 2 classes, 6 features)"
    assert graphs[0].x.tolist() == [[0.5, 1, 1, 0, 0, 0], [1, 1, 0, 1, 0, 0]]
    assert graphs[1].edge_attr.tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
    assert graphs.labels.tolist() == [0, 1]


def test_it_is_compared_with_what_it_was_at_first(mirror, tmp_path, recwarn):
    mirror(FILES)
    dpcore.load_dataset("NCI1")
    assert len(recwarn) == 1
    again = dpcore.load_dataset("NCI1")  # out of the cache, and nothing to say
    assert again.source == "cache" and len(recwarn) == 1
    empty_cache(tmp_path)
    mirror(FILES | {"A": "1, 2\n2, 1\n3, 4\n4, 3\n", "edge_labels": "1\n1\n0\n0\n"})
    with pytest.raises(
        dpcore.DatasetCorrupt, match="not NCI1: edges: expected 6, got 4"
    ):
        dpcore.load_dataset("NCI1")
    assert not list((tmp_path / "cache").glob("*.pt"))
    seen = json.loads((tmp_path / "cache" / "NCI1.seen.json").read_text())
    assert seen["edges"] == 6 and seen["attributes"] == 2 and seen["node_labels"] == 4


def test_without_node_labels_the_degree_and_no_attributes_to_ask_for(mirror):
    mirror({kind: FILES[kind] for kind in ("A", "graph_indicator", "graph_labels")})
    with pytest.warns(UserWarning, match="does not know"):
        graphs = dpcore.load_dataset("NCI1")
    assert graphs.num_features == 64 and graphs[0].x.argmax(1).tolist() == [1, 1]
    for kind in ("attributes", "edge_labels"):
        with pytest.raises(ValueError, match=f"{kind}: NCI1 has no"):
            dpcore.load_dataset("NCI1", **{kind: True})


def test_names_are_known_in_any_case_and_only_once():
    names = [name.upper() for name in (*EXPECTED, *COLLECTION)]
    assert len(names) == len(set(names))
    assert known_name("mutagenicity") == "Mutagenicity"
    with pytest.raises(ValueError, match="'NOPE'; known: MUTAG.* such as NCI1"):
        known_name("NOPE")


def test_the_batches_of_such_a_data_set_are_ordinary(mirror):
    mirror(FILES)
    with pytest.warns(UserWarning, match="does not know"):
        graphs = dpcore.load_dataset("NCI1")
    batch = dpcore.SparseGraphs.from_data_list(graphs)
    assert torch.equal(batch.sizes, torch.tensor([2, 4]))
