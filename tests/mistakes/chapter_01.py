"""Typical mistakes of chapter 01, with words of the message that names each."""

MISTAKES = {
    "1.1": [
        (
            """
def pool(image, how):
    windows = image.unfold(0, 2, 1).unfold(1, 2, 1)
    return windows.amax((-1, -2)) if how == "max" else windows.mean((-1, -2))
""",
            "the stride is 2, not 1",
        ),
        (
            """
def pool(image, how):
    windows = image.unfold(0, 2, 2).unfold(1, 2, 2)
    return windows.amax((-1, -2)) if how == "max" else windows.sum((-1, -2))
""",
            "the mean divides by its 4 pixels",
        ),
        (
            """
def pool(image, how):
    return image.unfold(0, 2, 2).unfold(1, 2, 2).amax((-1, -2))
""",
            "look at `how`",
        ),
        (
            """
def pool(image, how):
    h, w = image.shape
    windows = image.reshape(h // 2, w // 2, 4)
    return windows.amax(-1) if how == "max" else windows.mean(-1)
""",
            "2 rows by 2 columns, not 4 pixels in a row",
        ),
        (
            """
def pool(image, how):
    corners = [image[i::2, j::2] for i in (0, 1) for j in (0, 1)]
    best = torch.zeros_like(corners[0])
    for corner in corners:
        best = torch.maximum(best, corner)
    return best if how == "max" else sum(corners) / 4
""",
            "your maximum begins at 0",
        ),
    ],
    "1.2": [
        (
            """
def mean_readout(x, batch, num_graphs):
    out = torch.zeros(num_graphs, x.shape[1])
    return out.index_add(0, batch, x)
""",
            "that is the sum",
        ),
        (
            """
def mean_readout(x, batch, num_graphs):
    out = torch.zeros(num_graphs, x.shape[1])
    return out.index_add(0, batch, x) / len(x)
""",
            "you divide by all nodes",
        ),
        (
            """
def mean_readout(x, batch, num_graphs):
    return torch.stack([x[batch == g].mean(0) for g in range(num_graphs)])
""",
            "0 / 0 for the graph without nodes",
        ),
        (
            """
def mean_readout(x, batch, num_graphs):
    return torch.stack([x[batch == g].mean(0) for g in batch.unique()])
""",
            "The number of rows is `num_graphs`",
        ),
        (
            """
def mean_readout(x, batch, num_graphs):
    sizes = torch.bincount(batch, minlength=num_graphs).tolist()
    parts = x.split(sizes)
    return torch.stack([p.sum(0) / max(len(p), 1) for p in parts])
""",
            "do not rely on `batch` being sorted",
        ),
        (
            """
def mean_readout(x, batch, num_graphs):
    total = torch.zeros(num_graphs, x.shape[1]).index_add(0, batch, x)
    return total / torch.bincount(batch).clamp(min=1)[:, None]
""",
            "if the last graphs have no nodes (bincount has a `minlength`)",
        ),
    ],
    "1.3": [
        (
            """
def look_alikes():
    ring = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])
    two = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 5, 3]])
    return tuple(torch.cat([e, e.flip(0)], dim=1) for e in (ring, two))
""",
            "falls into 2 parts",
        ),
        (
            """
def look_alikes():
    e = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
    e = torch.cat([e, e.flip(0)], dim=1)
    return e, (e + 1) % 4
""",
            "the same graph with other node numbers",
        ),
        (
            """
def look_alikes():
    path = torch.tensor([[0, 1, 2], [1, 2, 3]])
    star = torch.tensor([[0, 0, 0], [1, 2, 3]])
    return tuple(torch.cat([e, e.flip(0)], dim=1) for e in (path, star))
""",
            "the same number of neighbours",
        ),
        (
            """
def look_alikes():
    e = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
    return e, e
""",
            "one direction only",
        ),
    ],
    "1.4": [
        (
            """
def count_edges(edge_index, cluster, k):
    counts = torch.zeros(k, k)
    counts[cluster[edge_index[0]], cluster[edge_index[1]]] += 1
    return counts
""",
            "accumulate=True",
        ),
        (
            """
def count_edges(edge_index, cluster, k):
    counts = torch.zeros(k, k)
    for i, j in edge_index.T.tolist():
        if cluster[i] != cluster[j]:
            counts[cluster[i], cluster[j]] += 1
    return counts
""",
            "edges inside a cluster count too",
        ),
        (
            """
def count_edges(edge_index, cluster, k):
    counts = torch.zeros(k, k)
    for i, j in edge_index.T.tolist():
        counts[cluster[i], cluster[j]] += 1
        counts[cluster[j], cluster[i]] += 1
    return counts
""",
            "edge_index already holds both directions",
        ),
        (
            """
def count_edges(edge_index, cluster, k):
    counts = torch.zeros(k, k)
    for i, j in edge_index.T.tolist():
        counts[cluster[i], cluster[j]] += 1
    return counts - torch.diag(counts.diagonal() / 2)
""",
            "the diagonal is half of what it is",
        ),
        (
            """
def count_edges(edge_index, cluster, k):
    counts = torch.zeros(k, k)
    for i, j in edge_index.T.tolist():
        counts[cluster[j], cluster[i]] += 1
    return counts
""",
            "row cluster[i], column cluster[j]",
        ),
    ],
}
