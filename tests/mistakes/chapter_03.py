"""Typical mistakes of chapter 03, with words of the message that names each."""

MISTAKES = {
    "3.1": [
        (
            """
def pool_once(logits, z, adj):
    s = torch.softmax(logits, dim=0)
    return s.T @ z, s.T @ adj @ s
""",
            "your softmax runs over the nodes",
        ),
        (
            """
def pool_once(logits, z, adj):
    s = torch.softmax(logits, dim=1)
    return s.T @ z, s @ adj @ s.T
""",
            "that is S A Sᵀ",
        ),
        (
            """
def pool_once(logits, z, adj):
    s = torch.softmax(logits, dim=1)
    size = s.sum(0)[:, None]
    return s.T @ z / size, s.T @ adj @ s
""",
            "X' is the sum, not the mean",
        ),
        (
            """
def pool_once(logits, z, adj):
    s = torch.softmax(logits, dim=1)
    size = s.sum(0)
    return s.T @ z, s.T @ adj @ s / size / size[:, None]
""",
            "A' holds edge mass, it is a sum",
        ),
        (
            """
def pool_once(logits, z, adj):
    s = torch.softmax(logits, dim=1)
    small = s.T @ adj @ s
    return s.T @ z, small - torch.diag(small.diagonal())
""",
            "it holds the edges inside each cluster",
        ),
        (
            """
def pool_once(logits, z, adj):
    return logits.T @ z, logits.T @ adj @ logits
""",
            "scores, not shares",
        ),
        (
            """
def pool_once(logits, z, adj):
    s = torch.softmax(logits, dim=1).softmax(dim=1)
    return s.T @ z, s.T @ adj @ s
""",
            "applied twice",
        ),
        (
            """
def pool_once(logits, z, adj):
    s = torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1]).float()
    return s.T @ z, s.T @ adj @ s
""",
            "keep the shares of the softmax",
        ),
        (
            """
def pool_once(logits, z, adj):
    s = torch.softmax(logits, dim=1)
    return s @ z, s.T @ adj @ s
""",
            "X' = SᵀZ is [k, n][n, d]",
        ),
        (
            """
def pool_once(logits, z, adj):
    s = torch.softmax(logits, dim=1)
    return s.T @ z, s.T @ adj.T @ s
""",
            "The graph may be directed",
        ),
        (
            """
def pool_once(logits, z, adj):
    s = torch.softmax(logits, dim=1)
    return s.T @ z
""",
            "return two things",
        ),
    ],
    "3.2": [
        (
            """
def coarsen_edges(edge_index, edge_weight, s, batch, num_graphs):
    i, j = edge_index
    squares = edge_weight[:, None, None] * s[i][:, :, None] * s[j][:, None, :]
    return squares.sum(0)
""",
            "one [k, k] matrix for the whole batch",
        ),
        (
            """
def coarsen_edges(edge_index, edge_weight, s, batch, num_graphs):
    i, j = edge_index
    squares = edge_weight[:, None, None] * s[i][:, :, None] * s[j][:, None, :]
    last = int(batch[i].max()) + 1
    return s.new_zeros(last, 3, 3).index_add(0, batch[i], squares)
""",
            "Take `num_graphs`",
        ),
        (
            """
def coarsen_edges(edge_index, edge_weight, s, batch, num_graphs):
    i, j = edge_index
    squares = s[i][:, :, None] * s[j][:, None, :]
    k = s.shape[1]
    return s.new_zeros(num_graphs, k, k).index_add(0, batch[i], squares)
""",
            "multiply its square by its weight",
        ),
        (
            """
def coarsen_edges(edge_index, edge_weight, s, batch, num_graphs):
    i, j = edge_index
    squares = edge_weight[:, None, None] * s[i][:, :, None] * s[j][:, None, :]
    squares = squares + squares.transpose(1, 2)
    k = s.shape[1]
    return s.new_zeros(num_graphs, k, k).index_add(0, batch[i], squares)
""",
            "counted in both directions",
        ),
        (
            """
def coarsen_edges(edge_index, edge_weight, s, batch, num_graphs):
    i, j = edge_index
    squares = edge_weight[:, None, None] * s[j][:, :, None] * s[i][:, None, :]
    k = s.shape[1]
    return s.new_zeros(num_graphs, k, k).index_add(0, batch[i], squares)
""",
            "rows and columns are swapped",
        ),
        (
            """
def coarsen_edges(edge_index, edge_weight, s, batch, num_graphs):
    i, j = edge_index
    squares = edge_weight[:, None, None] * s[i][:, :, None] * s[j][:, None, :]
    squares = (squares + squares.transpose(1, 2)) / 2
    k = s.shape[1]
    return s.new_zeros(num_graphs, k, k).index_add(0, batch[i], squares)
""",
            "A' need not be symmetric",
        ),
        (
            """
def coarsen_edges(edge_index, edge_weight, s, batch, num_graphs):
    i, j = edge_index
    weight = edge_weight * (i != j)
    squares = weight[:, None, None] * s[i][:, :, None] * s[j][:, None, :]
    k = s.shape[1]
    return s.new_zeros(num_graphs, k, k).index_add(0, batch[i], squares)
""",
            "it counts like any edge",
        ),
        (
            """
def coarsen_edges(edge_index, edge_weight, s, batch, num_graphs):
    i, j = edge_index
    k = s.shape[1]
    squares = edge_weight[:, None, None] * s[i][:, :, None] * s[j][:, None, :]
    squares = squares * (1 - torch.eye(k))
    return s.new_zeros(num_graphs, k, k).index_add(0, batch[i], squares)
""",
            "edges inside a cluster count",
        ),
        (
            """
def coarsen_edges(edge_index, edge_weight, s, batch, num_graphs):
    adj = s.new_zeros(len(s), len(s))
    adj.index_put_(tuple(edge_index), edge_weight, accumulate=True)
    parts = torch.nn.functional.one_hot(batch, num_graphs).float().T
    return torch.stack([(p[:, None] * s).T @ adj @ (p[:, None] * s) for p in parts])
""",
            "no n × n matrix",
        ),
    ],
    "3.3": [
        (
            """
def cluster_means(s, z):
    return s.T @ z / s.sum(0)[:, None]
""",
            "0 / 0 in the empty cluster",
        ),
        (
            """
def cluster_means(s, z):
    return s.T @ z
""",
            "that is the sum",
        ),
        (
            """
def cluster_means(s, z):
    return s.T @ z / s.sum(0).clamp(min=1)[:, None]
""",
            "guards too much",
        ),
        (
            """
def cluster_means(s, z):
    return s.T @ z / len(s)
""",
            "you divide by n:",
        ),
        (
            """
def cluster_means(s, z):
    return s.T @ z / (len(s) / s.shape[1])
""",
            "you divide by n / k",
        ),
        (
            """
def cluster_means(s, z):
    return s.T @ z / (s > 0).sum(0).clamp(min=1)[:, None]
""",
            "you count the nodes with any share",
        ),
        (
            """
def cluster_means(s, z):
    count = torch.bincount(s.argmax(1), minlength=s.shape[1])
    return s.T @ z / count.clamp(min=1)[:, None]
""",
            "you count nodes by their argmax",
        ),
        (
            """
def cluster_means(s, z):
    return torch.softmax(s, dim=0).T @ z
""",
            "another weighting",
        ),
        (
            """
def cluster_means(s, z):
    return z.mean(0).expand(s.shape[1], -1)
""",
            "without s",
        ),
        (
            """
def cluster_means(s, z):
    return z.T @ s / s.sum(0).clamp(min=1e-9)
""",
            "is it transposed?",
        ),
    ],
    "3.4": [
        (
            """
def renumber(x, edge_index, perm):
    return x[perm], perm[edge_index]
""",
            "asks perm the wrong question",
        ),
        (
            """
def renumber(x, edge_index, perm):
    return x[perm], edge_index
""",
            "still hold the old numbers",
        ),
        (
            """
def renumber(x, edge_index, perm):
    return x, torch.argsort(perm)[edge_index]
""",
            "x has not moved",
        ),
        (
            """
def renumber(x, edge_index, perm):
    return x[torch.argsort(perm)], perm[edge_index]
""",
            "the wrong way round",
        ),
        (
            """
def renumber(x, edge_index, perm):
    return x[perm], torch.argsort(perm)[edge_index].flip(0)
""",
            "points backwards",
        ),
        (
            """
def renumber(x, edge_index, perm):
    return x[torch.argsort(perm)], torch.argsort(perm)[edge_index]
""",
            "new row i is old row perm[i]",
        ),
        (
            """
def renumber(x, edge_index, perm):
    return x[perm], torch.argsort(perm)[edge_index].sort(0).values
""",
            "find both of its ends in the new x",
        ),
        (
            """
def renumber(x, edge_index, perm):
    return x[perm], torch.argsort(perm)[edge_index] + 1
""",
            "names a node 5 of 5",
        ),
        (
            """
def renumber(x, edge_index, perm):
    return x[perm], torch.argsort(perm)[edge_index].float()
""",
            "keep whole numbers",
        ),
    ],
    "3.5": [
        (
            """
def straight_through(logits):
    return torch.softmax(logits, dim=1)
""",
            "the value is still soft",
        ),
        (
            """
def straight_through(logits):
    return torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1]).float()
""",
            "argmax and one_hot cut the chain",
        ),
        (
            """
def straight_through(logits):
    soft = torch.softmax(logits, dim=1)
    hard = torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1])
    return hard + soft - soft
""",
            "the gradient is zero",
        ),
        (
            """
def straight_through(logits):
    soft = torch.softmax(logits, dim=1)
    hard = torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1])
    return hard + soft.detach() - soft
""",
            "the wrong sign",
        ),
        (
            """
def straight_through(logits):
    hard = torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1])
    return hard + logits - logits.detach()
""",
            "as if there were no softmax",
        ),
        (
            """
def straight_through(logits):
    soft = torch.softmax(logits, dim=1)
    hard = torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1])
    return hard + soft
""",
            "1 at the argmax of a row",
        ),
        (
            """
def straight_through(logits):
    soft = torch.softmax(logits, dim=0)
    hard = torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1])
    return hard + soft - soft.detach()
""",
            "the softmax's gradient",
        ),
    ],
}
