"""Every way in which data can arrive, fail to arrive or arrive broken.

No test leaves this machine: the official server's address is replaced by one on the
loopback, and the cache by a temporary folder.
"""

import http.server
import importlib.util
import io
import json
import os
import pickle
import socket
import sys
import threading
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import warm
from torch_geometric.data import Data
from torch_geometric.datasets import TUDataset

from dpcore.data import archives, datasets, expected
from dpcore.data.datasets import (
    EXPECTED,
    DatasetCorrupt,
    DatasetUnavailable,
    GraphDataset,
    cache_folder,
    describe,
    load_dataset,
)

CLOSED = "http://127.0.0.1:9"  # the discard port: nobody listens
MIRROR = os.environ.get("DPCORE_MIRROR")
needs_grakel = pytest.mark.skipif(
    importlib.util.find_spec("grakel") is None, reason="grakel is not installed"
)


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.setattr(TUDataset, "url", CLOSED)
    monkeypatch.setenv("DPCORE_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("DPCORE_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def no_grakel(monkeypatch):
    monkeypatch.setitem(sys.modules, "grakel", None)  # find_spec then finds none


TINY = {  # a triangle with a tail, and a path: 4 + 3 nodes
    "A": "1, 2\n2, 1\n1, 3\n3, 1\n2, 3\n3, 2\n3, 4\n4, 3\n4, 4\n"
    "5, 6\n6, 5\n6, 7\n7, 6\n6, 7\n",  # with a self-loop and an edge said twice
    "graph_indicator": "1\n1\n1\n1\n2\n2\n2\n",
    "graph_labels": "-1\n1\n",
    "node_labels": "3\n4\n5\n3\n4\n4\n5\n",
    "node_attributes": "0.5, 1\n" * 7,
}
FACTS = expected._expect([1, 1], 7, (3, 3, 4), 12, 3, 2)


@pytest.fixture
def tiny(monkeypatch):
    """A data set TINY, which is small enough to write down."""
    monkeypatch.setitem(EXPECTED, "TINY", FACTS)
    return dict(TINY)


def pack(files, name="TINY", extra=(), compression=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for kind, text in files.items():
            archive.writestr(f"{name}/{name}_{kind}.txt", text)
        for member, text in extra:
            archive.writestr(member, text)
    return content.getvalue()


def put(folder, content, monkeypatch=None, name="TINY"):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.zip").write_bytes(content)
    if monkeypatch:
        monkeypatch.setenv("DPCORE_MIRROR", str(folder))


def kept(tmp_path):
    return sorted(p.name for p in (tmp_path / "cache").glob("*"))


@pytest.fixture
def server():
    """A web server on the loopback; `answers[path]` is a function of the handler."""
    answers, asked = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            answers.get(self.path, lambda h: h.send_error(404))(self)

        def log_message(self, *args):
            pass

    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.daemon_threads = True
    thread = threading.Thread(target=web.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    web.answers, web.asked = answers, asked
    web.url = f"http://127.0.0.1:{web.server_port}"
    yield web
    web.shutdown()
    web.server_close()


def serve(content, length=None, kind="application/zip", reset=False):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        if length != -1:
            handler.send_header("Content-Length", str(length or len(content)))
        handler.end_headers()
        handler.wfile.write(content)
        if reset:  # linger 0: close sends RST instead of FIN
            linger = b"\1\0\0\0\0\0\0\0"
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.connection.close()

    return answer


# --- reading ---------------------------------------------------------------------


def test_tiny_is_read_as_written(tiny, tmp_path, monkeypatch):
    put(tmp_path / "mirror", pack(tiny), monkeypatch)
    graphs = load_dataset("tiny")
    first, second = graphs
    assert graphs.source == "mirror" and graphs.num_features == 3
    assert first.x.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    want = {(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1), (2, 3), (3, 2)}
    assert set(map(tuple, first.edge_index.t().tolist())) == want
    assert second.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert (first.y.tolist(), second.y.tolist()) == ([0], [1])
    with_attributes = load_dataset("TINY", attributes=True)
    assert with_attributes[1].x[2].tolist() == [0.5, 1, 0, 0, 1]
    assert with_attributes.source == "cache" and with_attributes.num_features == 5


def test_edge_labels_follow_their_edges(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(EXPECTED, "TINY", FACTS | {"edge_labels": 3})
    labels = [7, 7, 8, 8, 7, 7, 9, 9, 7, 8, 8, 9, 9, 9]  # of the lines of A
    tiny["edge_labels"] = "".join(f"{label}\n" for label in labels)
    put(tmp_path / "mirror", pack(tiny), monkeypatch)
    assert load_dataset("TINY")[0].edge_attr is None  # by request only
    for _ in range(2):  # from the mirror, then from the cache
        first, second = load_dataset("TINY", edge_labels=True)
        found = dict(
            zip(
                map(tuple, first.edge_index.t().tolist()),
                first.edge_attr.argmax(1).tolist(),
                strict=True,
            )
        )
        assert found == {
            (0, 1): 0,
            (1, 0): 0,
            (0, 2): 1,
            (2, 0): 1,
            (1, 2): 0,
            (2, 1): 0,
            (2, 3): 2,
            (3, 2): 2,
        }
        assert second.edge_attr.tolist() == [[0, 1, 0]] * 2 + [[0, 0, 1]] * 2
        assert second.edge_attr.dtype == torch.float32


def test_without_node_labels_the_degree_up_to_a_cap(tiny, tmp_path, monkeypatch):
    del tiny["node_labels"], tiny["node_attributes"]
    facts = FACTS | {"node_labels": 0, "attributes": 0}
    monkeypatch.setitem(EXPECTED, "TINY", facts)
    monkeypatch.setattr(datasets, "MAX_DEGREE", 2)
    put(tmp_path / "mirror", pack(tiny), monkeypatch)
    graphs = load_dataset("TINY")
    assert graphs[0].x.argmax(1).tolist() == [2, 2, 2, 1]  # the third has degree 3
    assert graphs[1].x.tolist() == [[0, 1, 0], [0, 0, 1], [0, 1, 0]]
    assert graphs[0].x.dtype == torch.float32


def test_attributes_need_no_node_labels(tiny, tmp_path, monkeypatch):
    del tiny["node_labels"]
    monkeypatch.setitem(EXPECTED, "TINY", FACTS | {"node_labels": 0})
    put(tmp_path / "mirror", pack(tiny), monkeypatch)
    x = load_dataset("TINY", attributes=True)[0].x
    assert x[:, :2].tolist() == [[0.5, 1.0]] * 4 and (x[:, 2:].sum(1) == 1).all()


@needs_grakel
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_mutag_equals_what_pyg_reads(tmp_path, monkeypatch):
    folder = grakel_folder()
    files = {p.stem[len("MUTAG_") :]: p.read_text() for p in folder.glob("MUTAG_*.txt")}
    put(tmp_path / "mirror", pack(files, "MUTAG"), name="MUTAG")
    monkeypatch.setattr(TUDataset, "url", (tmp_path / "mirror").as_uri())
    same(
        load_dataset("MUTAG", edge_labels=True),
        TUDataset(str(tmp_path / "pyg"), "MUTAG"),
    )


def same(ours, theirs):
    assert len(ours) == len(theirs) and ours.num_classes == theirs.num_classes
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a.edge_index, b.edge_index) and torch.equal(a.y, b.y)
        assert a.num_nodes == b.num_nodes
        assert b.x is None or torch.equal(a.x, b.x)
        assert (a.edge_attr is None) == (b.edge_attr is None)
        assert a.edge_attr is None or torch.equal(a.edge_attr, b.edge_attr)


def grakel_folder():
    spec = importlib.util.find_spec("grakel")
    return Path(spec.submodule_search_locations[0]) / "tests/data/MUTAG"


@needs_grakel
def test_grakel_copy():
    graphs = load_dataset("mutag")
    assert graphs.source == "grakel"
    facts = describe(graphs)
    table = {key: value for key, value in EXPECTED["MUTAG"].items() if key in facts}
    assert len(table) == 8 and table.items() <= facts.items()
    assert load_dataset("MUTAG").source == "cache"
    json.dumps(facts)


@pytest.mark.skipif(not MIRROR, reason="DPCORE_MIRROR is not set")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", ["MUTAG", "PROTEINS", "ENZYMES", "IMDB-BINARY"])
def test_real_data_equals_the_table_and_pyg(name, tmp_path, monkeypatch):
    monkeypatch.setenv("DPCORE_MIRROR", MIRROR)
    known = bool(EXPECTED[name]["attributes"])
    bonds = bool(EXPECTED[name]["edge_labels"])
    graphs = load_dataset(name, attributes=known, edge_labels=bonds)
    assert graphs.source == "mirror"
    facts = describe(graphs)
    table = {key: value for key, value in EXPECTED[name].items() if key in facts}
    assert len(table) == 8 and table.items() <= facts.items()
    if "://" not in MIRROR:
        monkeypatch.setattr(TUDataset, "url", Path(MIRROR).absolute().as_uri())
        same(graphs, TUDataset(str(tmp_path / "pyg"), name, use_node_attr=True))
    assert load_dataset(name).source == "cache"


# --- where it comes from ---------------------------------------------------------


def test_order_of_the_sources(tiny, tmp_path, monkeypatch, server):
    server.answers["/TINY.zip"] = serve(pack(tiny))
    monkeypatch.setattr(TUDataset, "url", server.url)
    assert load_dataset("TINY").source == "server"
    written = (tmp_path / "cache/TINY.v2.pt").stat().st_ino
    assert load_dataset("TINY").source == "cache" and len(server.asked) == 1
    assert (tmp_path / "cache/TINY.v2.pt").stat().st_ino == written  # not once more
    (tmp_path / "cache/TINY.v2.pt").unlink()
    put(tmp_path / "mirror", pack(tiny), monkeypatch)
    assert load_dataset("TINY").source == "mirror" and len(server.asked) == 1
    (tmp_path / "cache/TINY.v2.pt").unlink()
    (tmp_path / "mirror/TINY.zip").unlink()
    put(tmp_path / "cache", pack(tiny))  # the second way out
    assert load_dataset("TINY").source == "cache" and len(server.asked) == 1


@pytest.mark.parametrize("form", ["folder", "file", "http", "http/"])
def test_a_mirror_is_a_folder_or_an_address(form, tiny, tmp_path, monkeypatch, server):
    folder = tmp_path / "a mirror"
    put(folder, pack(tiny, compression=zipfile.ZIP_LZMA))
    server.answers["/sub/TINY.zip"] = serve(pack(tiny))
    address = {"folder": str(folder), "file": folder.as_uri()}
    address |= {"http": f"{server.url}/sub", "http/": f"{server.url}/sub/"}
    monkeypatch.setenv("DPCORE_MIRROR", address[form])
    assert load_dataset("TINY").source == "mirror"


def test_only_downloads_show_progress(tiny, tmp_path, monkeypatch, server, capfd):
    put(tmp_path / "mirror", pack(tiny), monkeypatch)
    load_dataset("TINY")
    with pytest.raises(DatasetUnavailable):
        load_dataset("DD")
    assert capfd.readouterr() == ("", "")

    def slow(handler):
        content = pack(tiny)
        serve(content[:50], len(content))(handler)
        time.sleep(0.7)
        handler.wfile.write(content[50:])

    (tmp_path / "cache/TINY.v2.pt").unlink()
    server.answers["/TINY.zip"] = slow
    monkeypatch.setenv("DPCORE_MIRROR", server.url)
    load_dataset("TINY")
    out, err = capfd.readouterr()
    assert out == "" and "TINY.zip" in err


def test_cache_folder(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("DPCORE_DATA")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "dpcore"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder() == Path.home() / "Library/Caches/dpcore"


def test_a_cache_that_cannot_be_written_is_said(tiny, tmp_path, monkeypatch):
    put(tmp_path / "mirror", pack(tiny), monkeypatch)
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="not kept in the cache"):
        assert len(load_dataset("TINY")) == 2


# --- nothing to be had -----------------------------------------------------------


def test_unavailable_says_what_was_tried_and_the_ways_out(tmp_path):
    with pytest.raises(DatasetUnavailable) as caught:
        load_dataset("PROTEINS")
    first, *ways = str(caught.value).splitlines()
    for word in ("PROTEINS", "cache: no ", "DPCORE_MIRROR is not set", CLOSED):
        assert word in first
    assert "refused" in first and len(ways) == 3
    assert "DPCORE_MIRROR" in ways[0] and 'fallback="MUTAG"' in ways[2]
    assert "PROTEINS.zip" in ways[1] and str(tmp_path / "cache") in ways[1]


@needs_grakel
def test_fallback_warns_and_names_both():
    with pytest.warns(UserWarning, match="MUTAG.* in place of PROTEINS") as caught:
        graphs = load_dataset("PROTEINS", fallback="mutag", attributes=True)
    assert graphs.name == "MUTAG" and graphs.source == "grakel"
    assert "without node attributes" in str(caught[0].message)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_dataset("MUTAG", fallback="MUTAG").name == "MUTAG"


def test_fallback_that_is_not_there_either(no_grakel):
    with pytest.raises(DatasetUnavailable, match="MUTAG") as caught:
        load_dataset("PROTEINS", fallback="MUTAG")
    assert "grakel: not installed" in str(caught.value)
    assert f"{CLOSED}: gave no answer a moment ago" in str(caught.value)
    assert "PROTEINS" in str(caught.value.__context__)


@needs_grakel
@pytest.mark.parametrize("after", ["nothing", "headers", "half"])
def test_a_silent_server_is_given_up(after, tiny, monkeypatch, server):
    stop = threading.Event()

    def hang(handler):
        if after != "nothing":
            content = pack(tiny)
            serve(content[: 0 if after == "headers" else 99], len(content))(handler)
        stop.wait(600)

    server.answers |= {"/DD.zip": hang, "/MUTAG.zip": hang}
    monkeypatch.setattr(TUDataset, "url", server.url)
    monkeypatch.setattr(datasets, "SERVER_SECONDS", 0.4)
    with pytest.warns(UserWarning, match="silent for|[Tt]imed out|timeout"):
        assert load_dataset("DD", fallback="MUTAG").source == "grakel"
    assert not stop.is_set()  # the server is silent still
    stop.set()
    assert server.asked == ["/DD.zip"]  # the fallback does not wait for it again


def test_a_slow_server_is_waited_for(tiny, monkeypatch, server):
    noise = np.random.default_rng(0).bytes(40_000)
    whole = pack(tiny, extra=[("TINY/README.txt", noise)])

    def drip(handler):  # 2.4 s in all, but never silent for two
        serve(whole[:5_000], len(whole))(handler)
        for start in range(5_000, len(whole), 5_000):
            time.sleep(0.3)
            handler.wfile.write(whole[start : start + 5_000])

    server.answers["/TINY.zip"] = drip
    monkeypatch.setattr(TUDataset, "url", server.url)
    monkeypatch.setattr(datasets, "SERVER_SECONDS", 2.0)
    assert load_dataset("TINY").source == "server"


def test_patience_is_under_15_seconds():
    assert datasets.MIRROR_SECONDS + datasets.SERVER_SECONDS < 15


def test_a_slow_name_server_counts_too(monkeypatch):
    monkeypatch.setattr(TUDataset, "url", "http://nobody.invalid")
    monkeypatch.setattr(datasets, "SERVER_SECONDS", 0.3)
    answer = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: answer.wait(600))
    with pytest.raises(DatasetUnavailable, match=r"silent for 0\.3 s"):
        load_dataset("DD")
    answer.set()


BROKEN = {
    "404": lambda whole: lambda h: h.send_error(404),
    "half": lambda whole: serve(whole[:200], len(whole)),
    "half, length unsaid": lambda whole: serve(whole[:200], -1),
    "reset": lambda whole: serve(whole[:200], len(whole), reset=True),
    "web page": lambda whole: serve(b"<html>log in</html>", kind="text/html"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_download_is_told_and_the_next_source_asked(
    how, tiny, tmp_path, monkeypatch, server
):
    whole = pack(tiny)
    server.answers["/mirror/TINY.zip"] = BROKEN[how](whole)
    monkeypatch.setenv("DPCORE_MIRROR", f"{server.url}/mirror")
    with pytest.raises(DatasetUnavailable) as caught:
        load_dataset("TINY")
    words = {"404": "404 ", "web page": "web page", "reset": ""}.get(how, "200")
    assert f"mirror: {server.url}/mirror/TINY.zip: " in str(caught.value)
    assert words in str(caught.value).split("mirror:")[1].split("; server")[0]
    assert kept(tmp_path) == []
    server.answers["/TINY.zip"] = serve(whole, -1 if "unsaid" in how else None)
    monkeypatch.setattr(TUDataset, "url", server.url)
    assert load_dataset("TINY").source == "server"


def test_a_short_body_is_told_whatever_the_http_library_does(tiny, monkeypatch):
    def stream(url, seconds, chunks):  # urllib3 before 2.0 does not count
        for item in (999, pack(tiny)[:200], None):
            chunks.put(item)

    monkeypatch.setattr(archives, "_stream", stream)
    with pytest.raises(DatasetUnavailable, match="broke off after 200 of 999 bytes"):
        load_dataset("TINY")


# --- something to be had, but not that -------------------------------------------


def refused(tmp_path, match):
    """The mirror's archive is refused, whatever the fallback, and leaves nothing."""
    with pytest.raises(DatasetCorrupt, match=match):
        load_dataset("TINY", fallback="MUTAG")
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    "member",
    ["../evil.txt", "TINY/../../evil.txt", "/evil.txt", "C:/evil.txt", "..\\evil.txt"]
    + ["OTHER/evil.txt", "TINY/inside/../../../evil.txt"],
)
def test_archives_that_lead_outside(member, tiny, tmp_path, monkeypatch):
    content = pack(tiny, extra=[(member, "evil")])
    put(tmp_path / "mirror", content, monkeypatch)
    refused(tmp_path, "leads out of TINY/")
    assert not list(tmp_path.rglob("*evil*"))


def test_archives_with_links(tiny, tmp_path, monkeypatch):
    link = zipfile.ZipInfo("TINY/link")
    link.external_attr = 0o120777 << 16
    put(tmp_path / "mirror", pack(tiny, extra=[(link, "/etc")]), monkeypatch)
    refused(tmp_path, "leads out of TINY/")


def test_truncated_and_damaged_archives(tiny, tmp_path, monkeypatch):
    whole = pack(tiny)
    for content in (b"", b"no archive", whole[:200], whole[:-30]):
        put(tmp_path / "mirror", content, monkeypatch)
        refused(tmp_path, "zip")
    damaged = bytearray(pack(tiny, compression=zipfile.ZIP_STORED))
    damaged[damaged.index(b"5, 6")] = ord("4")  # only the checksum can tell
    put(tmp_path / "mirror", damaged, monkeypatch)
    refused(tmp_path, "CRC")
    put(tmp_path / "mirror", whole)
    assert len(load_dataset("TINY")) == 2  # and once it is repaired, all is well


def test_no_flipped_bit_passes(tiny, tmp_path, monkeypatch):
    whole = pack(tiny)
    put(tmp_path / "mirror", whole, monkeypatch)
    right = load_dataset("TINY")
    rng = np.random.default_rng(0)
    for _ in range(300):
        (tmp_path / "cache/TINY.v2.pt").unlink(missing_ok=True)
        bad = bytearray(whole)
        bad[rng.integers(len(bad))] ^= 1 << rng.integers(8)
        put(tmp_path / "mirror", bad)
        try:
            same(load_dataset("TINY"), right)  # a flipped date, say, does no harm
        except DatasetCorrupt:
            assert kept(tmp_path) == []


@pytest.mark.parametrize(
    "kind, text, match",
    [
        ("A", "1, 2\n2, 1\n", "edges: expected 12, got 2"),
        ("A", "", "A: expected some rows, got 0"),
        ("A", "1, 2, 1\n2, 1, 1\n", "A: expected 2 columns, got 3"),
        ("A", TINY["A"] + "1, 8\n", "outside 1 to 7"),
        ("A", TINY["A"] + "1, 7\n", "between two graphs"),
        ("A", "1, x\n", "x"),
        ("graph_indicator", "1\n1\n1\n2\n1\n2\n2\n", "order"),
        ("graph_labels", "1\n1\n", r"label_counts: expected \[1, 1\], got \[2\]"),
        ("graph_labels", "1\n", "graph_labels: expected 2 rows, got 1"),
        ("node_labels", "1\n" * 7, "node_labels: expected 3, got 1"),
        ("node_labels", "1\n" * 6, "node_labels: expected 7 rows, got 6"),
        ("node_labels", "1\n" * 8, "node_labels: expected 7 rows, got 8"),
        ("node_attributes", "1\n" * 7, "attributes: expected 2, got 1"),
        ("node_attributes", None, "no TINY_node_attributes.txt"),
    ],
)
@pytest.mark.filterwarnings("ignore:loadtxt:UserWarning")
def test_other_contents_are_refused(kind, text, match, tiny, tmp_path, monkeypatch):
    tiny[kind] = text
    if text is None:
        del tiny[kind]
    put(tmp_path / "mirror", pack(tiny), monkeypatch)
    refused(tmp_path, match)


def test_corrupt_over_the_network_is_not_masked(tiny, tmp_path, monkeypatch, server):
    tiny["graph_labels"] = "1\n1\n"
    server.answers["/bad/TINY.zip"] = serve(pack(tiny))
    server.answers["/TINY.zip"] = serve(pack(TINY))
    monkeypatch.setenv("DPCORE_MIRROR", f"{server.url}/bad")
    monkeypatch.setattr(TUDataset, "url", server.url)
    refused(tmp_path, "label_counts")
    assert server.asked == ["/bad/TINY.zip"]


def test_half_written_caches_are_never_read(tiny, tmp_path, monkeypatch):
    put(tmp_path / "mirror", pack(tiny), monkeypatch)
    raw = tmp_path / "cache/TINY/raw"  # what a killed TUDataset leaves behind
    raw.mkdir(parents=True)
    (raw / "TINY_A.txt").write_text("1, 2\n")
    right = load_dataset("TINY")
    assert right.source == "mirror"
    path = tmp_path / "cache/TINY.v2.pt"
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], whole[:-1], b"x" * 99):
        path.write_bytes(content)
        with pytest.warns(UserWarning, match="unreadable.*removed"):
            graphs = load_dataset("TINY")
        assert graphs.source == "mirror" and path.read_bytes() == whole
        same(graphs, right)


def test_a_cache_of_something_else_is_refused_and_removed(tiny, tmp_path, monkeypatch):
    put(tmp_path / "mirror", pack(tiny), monkeypatch)
    load_dataset("TINY")
    monkeypatch.setitem(EXPECTED, "TINY", FACTS | {"edges": 14})
    with pytest.raises(DatasetCorrupt, match="edges: expected 14, got 12.*removed"):
        load_dataset("TINY")
    assert kept(tmp_path) == []


@pytest.mark.parametrize("module, step", [(torch, "save"), (os, "replace")])
def test_a_writer_killed_midway_leaves_no_cache(
    module, step, tiny, tmp_path, monkeypatch
):
    put(tmp_path / "mirror", pack(tiny), monkeypatch)

    def die(what, target):
        if step == "save":
            target.write(b"PK")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, step, die)
        load_dataset("TINY")
    assert kept(tmp_path) == []
    assert load_dataset("TINY").source == "mirror"


def load_often(together):
    """Quietly, in a process of its own: a warning is an error there."""
    warnings.simplefilter("error")
    TUDataset.url = CLOSED
    cache = cache_folder() / "MUTAG.v2.pt"
    together.wait()
    for _ in range(20):
        assert describe(load_dataset("MUTAG"))["edges"] == 7442
        cache.unlink(missing_ok=True)
    assert "grakel" not in sys.modules  # found, not imported


@needs_grakel
def test_processes_at_once(tmp_path):
    together = warm.CONTEXT.Barrier(2)
    workers = [warm.process(load_often, together) for _ in range(2)]
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert not list((tmp_path / "cache").glob(".*.part"))


# --- names and the sequence ------------------------------------------------------


@needs_grakel
def test_names():
    with pytest.raises(ValueError, match="'NOPE'; known: MUTAG, ENZYMES, .*12K"):
        load_dataset("NOPE")
    with pytest.raises(ValueError, match="'NOPE'"):
        load_dataset("MUTAG", fallback="NOPE")
    with pytest.raises(DatasetUnavailable, match="DD.zip"):
        load_dataset("d&d")
    with pytest.raises(ValueError, match="ENZYMES has no edge labels"):
        load_dataset("ENZYMES", edge_labels=True)
    with pytest.raises(ValueError, match="MUTAG has no node attributes"):
        load_dataset("MUTAG", attributes=True)


@pytest.fixture
def five():
    graphs = [Data(x=torch.full((n, 2), n), y=torch.tensor([n % 3])) for n in range(5)]
    return GraphDataset(graphs, name="five", source="memory")


@pytest.mark.parametrize(
    "index, want",
    [
        (slice(1, None, 2), [1, 3]),
        ([4, 0, -2], [4, 0, 3]),
        ((2, 1), [2, 1]),
        (range(2), [0, 1]),
        (torch.tensor([3, 3]), [3, 3]),
        (np.array([0, 4]), [0, 4]),
        (torch.tensor([True, False, False, True, False]), [0, 3]),
        ([False, True, False, False, False], [1]),
        ([], []),
        (slice(0, 0), []),
    ],
)
def test_parts_are_data_sets(index, want, five):
    part = five[index]
    assert isinstance(part, GraphDataset)
    assert [graph.num_nodes for graph in part] == want
    assert part.labels.tolist() == [n % 3 for n in want]
    assert part.labels.dtype == torch.long
    facts = part.name, part.num_classes, part.num_features, part.source
    assert facts == ("five", 3, 2, "memory")


def test_one_graph(five):
    for index in (3, -2, np.int64(3), torch.tensor(3), np.array(3)):
        assert isinstance(five[index], Data) and five[index].num_nodes == 3
    assert five[3] is five[3]
    assert repr(five) == "GraphDataset('five', 5 graphs, 3 classes, 2 features)"


def test_wrong_indices(five):
    for index in (5, [0, 5], [True] * 4, [0.5], torch.zeros(2, 2, dtype=torch.long)):
        with pytest.raises(IndexError):
            five[index]
    with pytest.raises(TypeError):
        five[1.5]


def test_wrong_graphs():
    with pytest.raises(ValueError, match=r"graphs\[0\].y: .*got none"):
        GraphDataset([Data(x=torch.ones(2, 1))])
    with pytest.raises(ValueError, match=r"got shape \[2\]"):
        GraphDataset([Data(x=torch.ones(2, 1), y=torch.zeros(2))])
    with pytest.raises(ValueError, match="at least one graph"):
        describe(GraphDataset([]))


@needs_grakel
def test_a_pickled_part_is_small():
    part = load_dataset("MUTAG")[:2]
    assert len(pickle.dumps(part)) < 10_000  # all of MUTAG is 200 kB
