"""From a TU archive, wherever it lies, to a few checked tensors, and to the cache."""

import io
import json
import queue
import stat
import threading
import time
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import requests
import torch
from torch import Tensor
from torch_geometric.utils import coalesce, remove_self_loops
from tqdm import tqdm

from dpcore.data.expected import EXPECTED
from dpcore.data.files import write_whole


class DatasetCorrupt(ValueError):
    """A source had the data set, but not what it must contain. Nothing of it is kept
    in the cache. It is raised at once, whatever the fallback: other data under the
    same name must never pass unseen."""


class NotHere(Exception):
    """This source does not have it; the text is the reason. Try the next one."""


class NoAnswer(NotHere):
    """Nobody answers at this address: asking it again is a waste of time."""


def fetch(base: str, name: str, seconds: float) -> dict[str, Tensor]:
    """Read NAME.zip below `base`: a folder, a file:// or an http(s):// address.

    `seconds`: how long a silent server is waited for.
    """
    where = f"{base.rstrip('/')}/{name}.zip"
    if base.startswith(("http://", "https://")):
        return read_archive(_download(where, seconds), name, where)
    folder = url2pathname(urlsplit(base).path) if base.startswith("file://") else base
    path = Path(folder).expanduser() / f"{name}.zip"
    return read_archive(_bytes(path), name, str(path))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotHere(f"no {path}") from error
    except OSError as error:
        raise NotHere(f"{path}: {error.strerror}") from error


def _download(url: str, seconds: float) -> bytes:
    """Fetch a whole file, or raise NotHere.

    A thread fetches, so that `seconds` bounds name look-up, connection, redirects and
    the first byte together, and then each silence; a socket's own timeout starts anew
    at each of these steps.
    """
    chunks: queue.Queue = queue.Queue(maxsize=64)
    thread = threading.Thread(target=_stream, args=(url, seconds, chunks), daemon=True)
    thread.start()
    content, length, deadline = bytearray(), -1, time.monotonic() + seconds
    style = {"unit": "B", "unit_scale": True, "leave": False, "delay": 0.5}
    with tqdm(desc=url.rsplit("/", 1)[-1], **style) as bar:
        while True:
            try:
                item = chunks.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise NoAnswer(f"{url}: silent for {seconds:g} s") from None
            if item is None:
                break
            if isinstance(item, Exception):
                raise _reason(url, item, bool(content)) from item
            if isinstance(item, int):
                length = item
                bar.total = length if length >= 0 else None
            else:
                content += item
                bar.update(len(item))
                deadline = time.monotonic() + seconds
    whole = len(content) == length
    if length < 0:  # the server did not say: then an archive with an end is whole
        whole = zipfile.is_zipfile(io.BytesIO(content))
    if not whole:
        of = f" of {length}" if length >= 0 else ""
        raise NotHere(f"{url}: broke off after {len(content)}{of} bytes")
    return bytes(content)


def _reason(url: str, error: Exception, begun: bool) -> NotHere:
    response = getattr(error, "response", None)
    if response is not None:
        return NotHere(f"{url}: {response.status_code} {response.reason}")
    broken = isinstance(error, requests.ConnectionError | requests.Timeout)
    cause = getattr(error.args[0], "reason", error) if error.args else error
    kind = NoAnswer if broken and not begun else NotHere
    return kind(f"{url}: {first_line(cause)}")


def _stream(url: str, seconds: float, chunks: queue.Queue) -> None:
    """Put the length (-1: not said), the body's chunks and None; or the exception."""
    ask = {"Accept-Encoding": "identity", "User-Agent": "dpcore"}
    try:
        with requests.get(url, headers=ask, stream=True, timeout=seconds) as answer:
            answer.raise_for_status()
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                raise requests.RequestException("a web page, not an archive")
            chunks.put(int(answer.headers.get("Content-Length", -1)))
            for chunk in answer.iter_content(2**12):  # it waits for each to be full
                chunks.put(chunk)
        chunks.put(None)
    except Exception as error:  # raised again by the thread that takes it
        chunks.put(error)


def read_archive(content: bytes, name: str, where: str) -> dict[str, Tensor]:
    """Read an archive where it lies: no member is ever unpacked to a file.

    One that would write outside its folder is refused all the same: it is not what
    the collection serves, and somebody may unpack it by hand.
    """
    with _refused(where), zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            path = PureWindowsPath(member.filename)  # knows / and \ and drives
            outside = path.anchor or ".." in path.parts or path.parts[:1] != (name,)
            if outside or stat.S_ISLNK(member.external_attr >> 16):
                raise ValueError(f"{member.filename!r} leads out of {name}/")
        return read_folder(zipfile.Path(archive, f"{name}/"), name, where)


def read_folder(
    folder: Path | zipfile.Path, name: str, where: str
) -> dict[str, Tensor]:
    """Read the text files of a data set and compare them with `EXPECTED`.

    Returns `sizes` [graphs], `edge_counts` [graphs], `edge_index` [2, edges] (int32,
    each graph's nodes from 0), `y` [graphs] and, where there are any, `node_labels`
    [nodes] (int64, from 0), `attributes` [nodes, attributes] and `edge_labels` [edges]
    (int64, from 0).
    """
    with _refused(where):
        tensors = _read(folder, name)
    check(tensors, name, where)
    return tensors


def _read(folder: Path | zipfile.Path, name: str) -> dict[str, Tensor]:
    """Do what PyG's `read_tu_data` does, which on COLLAB takes 6.5 GB and a minute;
    this takes 2 GB and ten seconds. A test compares the two, graph by graph."""

    def table(kind: str, rows: int = 0, dtype: type = np.int64) -> Tensor:
        path = folder / f"{name}_{kind}.txt"
        if not path.exists():
            raise ValueError(f"no {path.name}")
        with path.open(encoding="utf-8") as lines:
            values: np.ndarray = np.loadtxt(
                lines, dtype, comments=None, delimiter=",", ndmin=2
            )
        if len(values) != (rows or max(1, len(values))):
            raise ValueError(
                f"{kind}: expected {rows or 'some'} rows, got {len(values)}"
            )
        return torch.from_numpy(values)

    def has(kind: str) -> bool:
        """Whether there are any: as it is known, else by the file."""
        known = EXPECTED.get(name, {}).get(kind.replace("node_attr", "attr"))
        path = folder / f"{name}_{kind}.txt"
        return path.exists() if known is None else bool(known)

    graph = table("graph_indicator").flatten() - 1
    edge_index = table("A").t() - 1
    if graph[0] != 0 or not set(graph.diff().unique().tolist()) <= {0, 1}:
        raise ValueError("graph_indicator: the nodes are not in order of their graphs")
    if len(edge_index) != 2:
        raise ValueError(f"A: expected 2 columns, got {len(edge_index)}")
    if edge_index.min() < 0 or edge_index.max() >= len(graph):
        raise ValueError(f"A: a node outside 1 to {len(graph)}")
    if (graph[edge_index[0]] != graph[edge_index[1]]).any():
        raise ValueError("A: an edge between two graphs")
    labels = None
    if has("edge_labels"):
        labels = table("edge_labels", edge_index.size(1)).flatten()
        labels = labels - labels.min()
    edge_index, labels = remove_self_loops(edge_index, labels)
    edge_index, labels = coalesce(edge_index, labels, len(graph), reduce="max")
    sizes, of_edge = graph.bincount(), graph[edge_index[0]]
    first = sizes.cumsum(0) - sizes
    tensors = {
        "sizes": sizes,
        "edge_counts": of_edge.bincount(minlength=len(sizes)),
        "edge_index": (edge_index - first[of_edge]).int(),  # int32: half the file
        "y": table("graph_labels", len(sizes)).flatten().unique(return_inverse=True)[1],
    }
    if labels is not None:
        tensors["edge_labels"] = labels
    if has("node_labels"):
        labels = table("node_labels", len(graph)).flatten()
        tensors["node_labels"] = labels - labels.min()
    if has("node_attributes"):
        tensors["attributes"] = table("node_attributes", len(graph), np.float32)
    return tensors


def count(sizes: Tensor, edges: int, y: Tensor, classes: int) -> dict[str, Any]:
    """What `describe` reports, from the nodes and the label of each graph."""
    labels = y.bincount(minlength=classes).tolist()
    facts = {"graphs": len(sizes), "classes": classes, "label_counts": labels}
    facts |= {"min_nodes": int(sizes.min()), "median_nodes": int(sizes.median())}
    facts |= {"max_nodes": int(sizes.max()), "nodes": int(sizes.sum()), "edges": edges}
    return facts


def facts_of(tensors: dict[str, Tensor]) -> dict[str, Any]:
    """What these tensors contain, in the words of `EXPECTED`."""
    edges, y = tensors["edge_index"].size(1), tensors["y"]
    found = count(tensors["sizes"], edges, y, int(y.max()) + 1)
    for kind in ("node_labels", "edge_labels"):
        found[kind] = int(tensors[kind].max()) + 1 if kind in tensors else 0
    attributes = tensors.get("attributes")
    found["attributes"] = 0 if attributes is None else attributes.size(1)
    return found


def compare(
    found: dict[str, Any], known: dict[str, Any], name: str, where: str
) -> None:
    """Raise DatasetCorrupt where what was found is not what is known."""
    wrong = [
        f"{key}: expected {value}, got {found.get(key)}"
        for key, value in known.items()
        if found.get(key) != value
    ]
    if wrong:
        raise DatasetCorrupt(_refusal(where, f"not {name}: {'; '.join(wrong)}"))


def check(tensors: dict[str, Tensor], name: str, where: str) -> None:
    """Raise DatasetCorrupt unless these are the tensors of the data set `name`."""
    compare(facts_of(tensors), EXPECTED.get(name, {}), name, where)


def check_as_first(tensors: dict[str, Tensor], name: str, seen: Path) -> None:
    """Compare a data set of which nothing is known with what it contained when it was
    first loaded, kept in the file `seen`. The first time that is written, and said."""
    found = facts_of(tensors)
    try:
        known = json.loads(seen.read_text(encoding="utf-8"))
    except FileNotFoundError:
        try:
            seen.parent.mkdir(parents=True, exist_ok=True)
            write_whole(seen, json.dumps(found))
        except OSError as error:
            warnings.warn(f"{seen}: not kept: {error.strerror}", stacklevel=5)
        counted = [f"{found[what]} {what}" for what in ("graphs", "nodes", "edges")]
        warnings.warn(
            f"{name}: dpcore does not know what it must contain. Found: "
            f"{', '.join(counted)}. Later loads are compared with that ({seen})",
            stacklevel=5,
        )
    else:
        compare(found, known, name, str(seen))


def read_cached(path: Path, name: str) -> dict[str, Tensor]:
    content = _bytes(path)
    try:
        tensors = torch.load(io.BytesIO(content), weights_only=True)
        check(tensors, name, str(path))
    except DatasetCorrupt as error:
        raise DatasetCorrupt(f"{error}: the file was {_remove(path)}") from error
    except Exception as error:  # half a file, by whatever accident: make it anew
        reason = f"{path}: unreadable ({first_line(error)}), {_remove(path)}"
        warnings.warn(reason, stacklevel=5)
        raise NotHere(reason) from error
    return tensors


def install(tensors: dict[str, Tensor], path: Path) -> None:
    """Keep a data set for the next load, or say why not."""
    content = io.BytesIO()
    try:
        torch.save(tensors, content)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content.getvalue())
    except (OSError, RuntimeError) as error:  # full or read-only: usable all the same
        text = f"{path}: not kept in the cache: {first_line(error)}"
        warnings.warn(text, stacklevel=4)


@contextmanager
def _refused(where: str) -> Iterator[None]:
    """Whatever goes wrong with damaged data in here is told as DatasetCorrupt."""
    try:
        yield
    except (DatasetCorrupt, MemoryError):
        raise
    except Exception as error:
        raise DatasetCorrupt(_refusal(where, first_line(error))) from error


def _refusal(where: str, reason: str) -> str:
    return f"{where}: {reason.rstrip('.')}. Nothing of it was kept"


def first_line(error: object) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _remove(path: Path) -> str:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        return f"not removed: {error.strerror}"
    return "removed"
