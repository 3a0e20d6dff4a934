"""Data: what a fallback is asked for; texts with gaps, loners and directions."""

import io
import os
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch_geometric.data import Data

from dpcore.data import archives, datasets
from dpcore.data.datasets import DatasetUnavailable, load_dataset
from dpcore.data.expected import majority
from dpcore.data.files import PARTS, write_whole


@pytest.mark.parametrize(
    ("fallback", "attributes", "kept"),
    [("ENZYMES", True, True), ("MUTAG", True, False), ("ENZYMES", False, False)],
)
def test_a_fallback_is_asked_for_the_same(monkeypatch, fallback, attributes, kept):
    asked = []

    def load(name, attributes, edge_labels, down):
        asked.append((name, attributes, edge_labels))
        if name == "NCI1":
            raise DatasetUnavailable("not here\nways out")
        return "the data"

    monkeypatch.setattr(datasets, "_load", load)
    with pytest.warns(UserWarning, match=f"using {fallback}.* in place of NCI1: not"):
        found = load_dataset(
            "NCI1", fallback=fallback, attributes=attributes, edge_labels=True
        )
    assert found == "the data"
    assert asked == [("NCI1", attributes, True), (fallback, kept, True)]


def read(**files):
    """The tensors of a data set MINE with these texts."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for kind, text in files.items():
            archive.writestr(f"MINE/MINE_{kind}.txt", text)
    return archives.read_archive(content.getvalue(), "MINE", "here")


DIRECTED = dict(A="1, 2\n1, 3\n", graph_indicator="1\n1\n1\n2\n", graph_labels="5\n2\n")


def built(tensors, edge_labels=False):
    return datasets._build(tensors, "MINE", False, edge_labels, "here")


def test_a_graph_without_edges_at_the_end_and_labels_with_gaps():
    tensors = read(**DIRECTED, node_labels="2\n6\n2\n6\n")
    first, last = built(tensors)
    assert last.num_edges == 0 and last.num_nodes == 1 and first.num_edges == 2
    assert first.x.shape == (3, 5)  # 2 … 6, of which two occur
    assert first.x.argmax(1).tolist() == [0, 4, 0] and last.x.argmax(1).tolist() == [4]
    assert [int(graph.y) for graph in (first, last)] == [1, 0]
    assert built(tensors).num_classes == 2


def test_the_degree_of_a_directed_graph_is_that_of_its_edges_starts():
    first, last = built(read(**DIRECTED))
    assert first.x.argmax(1).tolist() == [2, 0, 0] and last.x.argmax(1).tolist() == [0]


def test_an_edge_said_twice_has_one_label():
    texts = dict(DIRECTED, A="1, 2\n1, 2\n1, 3\n", edge_labels="3\n5\n4\n")
    first, _ = built(read(**texts), edge_labels=True)
    assert first.edge_attr.argmax(1).tolist() == [2, 1]


def test_one_graph_does_not_carry_the_others_along():
    many = 400
    files = dict(
        A="".join(f"{2 * i + 1}, {2 * i + 2}\n" for i in range(many)),
        graph_indicator="".join(f"{i}\n{i}\n" for i in range(1, many + 1)),
        graph_labels="0\n1\n" * (many // 2),
        edge_labels="0\n1\n" * (many // 2),
    )
    one = built(read(**files), edge_labels=True)[0]
    for name in ("edge_index", "y", "edge_attr"):
        tensor = getattr(one, name)
        assert tensor.untyped_storage().nbytes() == tensor.nbytes, name


def test_a_part_of_a_data_set_comes_from_where_the_whole_comes_from():
    whole = built(read(**DIRECTED))
    for part in (whole[:1], whole[[1]]):
        facts = part.source, part.name, part.num_classes, part.num_features
        assert facts == ("here", "MINE", 2, 64)


def test_a_mirror_is_waited_for_less_than_the_server(monkeypatch, tmp_path):
    asked = []

    def fetch(base, name, seconds):
        asked.append((base, name, seconds))
        raise archives.NotHere("not here")

    monkeypatch.setattr(datasets, "fetch", fetch)
    monkeypatch.setenv("DPCORE_DATA", str(tmp_path))
    monkeypatch.setenv("DPCORE_MIRROR", "http://mirror")
    with pytest.raises(DatasetUnavailable):
        load_dataset("ENZYMES")
    assert asked == [
        (str(tmp_path), "ENZYMES", 0),
        ("http://mirror", "ENZYMES", datasets.MIRROR_SECONDS),
        (datasets.TUDataset.url, "ENZYMES", datasets.SERVER_SECONDS),
    ]
    assert datasets.MIRROR_SECONDS + datasets.SERVER_SECONDS < 15


def test_a_file_is_written_beside_the_one_it_replaces(monkeypatch, tmp_path):
    """A rename works within one file system, and what is left over is found there."""
    seen, replace = [], os.replace

    def renamed(source, target):
        seen.append(Path(source))
        replace(source, target)

    monkeypatch.setattr(os, "replace", renamed)
    write_whole(tmp_path / "a.txt", "one")
    write_whole(tmp_path / "a.txt", b"two")
    assert (tmp_path / "a.txt").read_text() == "two"
    assert all(path.parent == tmp_path and path.match(PARTS) for path in seen)
    assert len({*seen}) == 2  # two processes may write at once


def test_the_cache_lies_where_the_platform_keeps_such_things(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.Path, "home", lambda: tmp_path)
    for name in ("DPCORE_DATA", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    places = dict(linux=".cache", darwin="Library/Caches", win32="AppData/Local")
    for platform, place in places.items():
        monkeypatch.setattr(datasets.sys, "platform", platform)
        assert datasets.cache_folder() == tmp_path / place / "dpcore"
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    assert datasets.cache_folder() == Path("/local/dpcore")
    monkeypatch.setattr(datasets.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert datasets.cache_folder() == Path("/cache/dpcore")
    monkeypatch.setenv("DPCORE_DATA", "~/own")
    assert datasets.cache_folder() == Path("~/own").expanduser()


def test_the_majority_is_of_the_largest_class():
    assert majority("MUTAG") == 125 / 188 and majority("COLLAB") == 2600 / 5000
    assert majority("REDDIT-MULTI-12K") is majority("NCI1") is None


def test_what_cannot_be_kept_of_a_first_load_is_said(monkeypatch, tmp_path):
    def full(path, content):
        raise OSError(28, "no space left")

    tensors, seen = read(**DIRECTED), tmp_path / "MINE.seen.json"
    monkeypatch.setattr(archives, "write_whole", full)
    with pytest.warns(UserWarning) as found:
        archives.check_as_first(tensors, "MINE", seen)
    first, second = (str(one.message) for one in found)
    assert first == f"{seen}: not kept: no space left"
    assert "Found: 2 graphs, 4 nodes, 2 edges" in second


def test_classes_without_a_graph_are_classes():
    graphs = [Data(x=torch.ones(2, 1), y=torch.tensor([y])) for y in (0, 3, 0)]
    assert datasets.GraphDataset(graphs).num_classes == 4


def test_the_median_is_the_lower_of_two_and_no_mean():
    sizes, y = torch.tensor([1, 9, 2, 3]), torch.tensor([0, 1, 1, 0])
    facts = archives.count(sizes, 4, y, 2)
    assert (facts["min_nodes"], facts["median_nodes"], facts["max_nodes"]) == (1, 2, 9)


def test_a_server_is_given_the_same_patience_after_every_piece(monkeypatch):
    """By a clock that stands still: what came does not make the next wait longer."""
    waits, items = [], [6, b"ab", b"cd", b"ef", None]

    class Pieces:
        def __init__(self, maxsize):
            pass

        def get(self, timeout):
            waits.append(timeout)
            return items.pop(0)

    class Thread:
        def __init__(self, **options):
            self.start = lambda: None

    monkeypatch.setattr(archives, "queue", SimpleNamespace(Queue=Pieces, Empty=OSError))
    monkeypatch.setattr(archives.threading, "Thread", Thread)
    monkeypatch.setattr(archives.time, "monotonic", lambda: 100.0)
    assert archives._download("http://x/MINE.zip", 9.0) == b"abcdef"
    assert waits == [9.0] * 5


def test_a_server_that_says_no_is_there():
    """It may have another data set: only one that is silent is not asked again."""
    answer = SimpleNamespace(status_code=404, reason="Not Found")
    error = archives.requests.HTTPError(response=answer)
    reason = archives._reason("http://x/MINE.zip", error, False)
    assert type(reason) is archives.NotHere and "404 Not Found" in str(reason)


def test_a_graph_of_forty_thousand_nodes_keeps_their_numbers():
    nodes = 40_000
    texts = dict(A=f"1, {nodes}\n", graph_indicator="1\n" * nodes, graph_labels="1\n")
    assert read(**texts)["edge_index"].tolist() == [[0], [nodes - 1]]


def test_degrees_have_64_columns_and_the_last_is_for_all_above():
    edges = "".join(f"1, {leaf}\n" for leaf in range(2, 72))  # 70 leaves
    edges += "".join(f"2, {leaf}\n" for leaf in range(3, 65))  # degree 62
    texts = dict(A=edges, graph_indicator="1\n" * 71, graph_labels="1\n")
    (graph,) = built(read(**texts))
    assert graph.x.shape == (71, 64)
    assert graph.x.argmax(1)[:3].tolist() == [63, 62, 0]


def test_a_part_without_a_class_is_described_with_it():
    graphs = load_dataset("MUTAG")
    facts = datasets.describe(graphs[graphs.labels == 1])
    assert (facts["classes"], facts["label_counts"]) == (2, [0, 125])


def test_the_features_are_those_of_the_first_graph():
    y = torch.tensor([0])
    graphs = [Data(x=torch.ones(1, width), y=y) for width in (2, 3)]
    assert datasets.GraphDataset(graphs).num_features == 2


def test_a_fact_that_is_known_and_was_not_found_is_a_difference():
    archives.compare({"graphs": 2, "nodes": 9}, {"graphs": 2}, "TINY", "here")
    with pytest.raises(archives.DatasetCorrupt, match="edges: expected 3, got None"):
        archives.compare({"graphs": 2}, {"graphs": 2, "edges": 3}, "TINY", "here")


def test_memory_that_does_not_suffice_is_no_damage():
    with pytest.raises(MemoryError), archives._refused("here"):
        raise MemoryError
