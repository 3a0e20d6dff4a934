"""Typical mistakes of chapter 02, with words of the message that names each."""

MISTAKES = {
    "2.1": [
        (
            """
def neighbour_mean(x, edge_index):
    i, j = edge_index
    return torch.zeros_like(x).index_add(0, i, x[j])
""",
            "that is the sum",
        ),
        (
            """
def neighbour_mean(x, edge_index):
    i, j = edge_index
    total = torch.zeros_like(x).index_add(0, i, x[j])
    return total / torch.bincount(i, minlength=len(x))[:, None]
""",
            "0 / 0 at a node without neighbours",
        ),
        (
            """
def neighbour_mean(x, edge_index):
    loops = torch.arange(len(x)).expand(2, -1)
    i, j = torch.cat([edge_index, loops], dim=1)
    total = torch.zeros_like(x).index_add(0, i, x[j])
    return total / torch.bincount(i)[:, None]
""",
            "the node itself is in your mean",
        ),
        (
            """
def neighbour_mean(x, edge_index):
    i, j = edge_index
    total = torch.zeros_like(x).index_add(0, i, x[j])
    return total / (torch.bincount(i, minlength=len(x)) + 1)[:, None]
""",
            "you divide by neighbours + 1",
        ),
        (
            """
def neighbour_mean(x, edge_index):
    i, j = edge_index
    return torch.zeros_like(x).index_add(0, i, x[j]) / len(x)
""",
            "you divide by all nodes",
        ),
        (
            """
def neighbour_mean(x, edge_index):
    loops = torch.arange(len(x)).expand(2, -1)
    i, j = torch.cat([edge_index, loops], dim=1)
    d = torch.bincount(i)
    message = x[j] * (d[i] * d[j]).float().rsqrt()[:, None]
    return torch.zeros_like(x).index_add(0, i, message)
""",
            "the GCN's weighting",
        ),
        (
            """
def neighbour_mean(x, edge_index):
    adj = torch.zeros(len(x), len(x))
    adj[edge_index[0], edge_index[1]] = 1
    return adj @ x / adj.sum(1, keepdim=True).clamp(min=1)
""",
            "n × n: go along the edges",
        ),
        (
            """
def neighbour_mean(x, edge_index):
    i, j = edge_index
    total = torch.zeros_like(x)
    total[i] += x[j]
    count = torch.bincount(i, minlength=len(x)).clamp(min=1)
    return total / count[:, None]
""",
            "the mean of x[j] over the columns",
        ),
    ],
    "2.2": [
        (
            """
def side_by_side(graphs):
    batch = torch.cat([torch.full((len(x),), g) for g, (x, _) in enumerate(graphs)])
    x = torch.cat([x for x, _ in graphs])
    return x, torch.cat([edges for _, edges in graphs], dim=1), batch
""",
            "still counts from 0",
        ),
        (
            """
def side_by_side(graphs):
    before, edges, batch = 0, [], []
    for g, (x, edge_index) in enumerate(graphs):
        edges.append(edge_index + before)
        batch.append(torch.full((len(x),), g))
        before = len(x)
    return torch.cat([x for x, _ in graphs]), torch.cat(edges, 1), torch.cat(batch)
""",
            "the previous graph only",
        ),
        (
            """
def side_by_side(graphs):
    first, edges, batch = 0, [], []
    for g, (x, edge_index) in enumerate(graphs):
        edges.append(edge_index + first)
        batch.append(torch.full((len(x),), g))
        if edge_index.numel():
            first += int(edge_index.max()) + 1
    return torch.cat([x for x, _ in graphs]), torch.cat(edges, 1), torch.cat(batch)
""",
            "nodes without edges count too",
        ),
        (
            """
def side_by_side(graphs):
    first, edges, batch = 0, [], []
    for g, (x, edge_index) in enumerate(graphs):
        edges.append(edge_index + first)
        batch.append(torch.full((len(x),), g))
        first += edge_index.shape[1]
    return torch.cat([x for x, _ in graphs]), torch.cat(edges, 1), torch.cat(batch)
""",
            "you move by the edges before",
        ),
        (
            """
def side_by_side(graphs):
    first, edges, batch = 0, [], []
    for g, (x, edge_index) in enumerate(graphs):
        first += len(x)
        edges.append(edge_index + first)
        batch.append(torch.full((len(x),), g))
    return torch.cat([x for x, _ in graphs]), torch.cat(edges, 1), torch.cat(batch)
""",
            "its own do not count",
        ),
        (
            """
def side_by_side(graphs):
    edges, batch = [], []
    for g, (x, edge_index) in enumerate(graphs):
        edges.append(edge_index + g)
        batch.append(torch.full((len(x),), g))
    return torch.cat([x for x, _ in graphs]), torch.cat(edges, 1), torch.cat(batch)
""",
            "you move by the graph's number",
        ),
        (
            """
def side_by_side(graphs):
    first, edges, batch = 0, [], []
    for g, (x, edge_index) in enumerate(graphs):
        edge_index += first
        edges.append(edge_index)
        batch.append(torch.full((len(x),), g))
        first += len(x)
    return torch.cat([x for x, _ in graphs]), torch.cat(edges, 1), torch.cat(batch)
""",
            "works in place",
        ),
        (
            """
def side_by_side(graphs):
    first, edges, batch = 0, [], []
    for g, (x, edge_index) in enumerate(graphs, start=1):
        edges.append(edge_index + first)
        batch.append(torch.full((len(x),), g))
        first += len(x)
    return torch.cat([x for x, _ in graphs]), torch.cat(edges, 1), torch.cat(batch)
""",
            "counts the graphs from 1",
        ),
        (
            """
def side_by_side(graphs):
    return torch.cat([x for x, _ in graphs])
""",
            "return three tensors",
        ),
    ],
    "2.3": [
        (
            """
def masked_readouts(h, mask):
    return h.mean(1), h.masked_fill(~mask[:, :, None], -torch.inf).amax(1)
""",
            "padded rows count as nodes",
        ),
        (
            """
def masked_readouts(h, mask):
    maximum = h.masked_fill(~mask[:, :, None], -torch.inf).amax(1)
    return h.sum(1) / mask.sum(1, keepdim=True), maximum
""",
            "padded rows are in your sum",
        ),
        (
            """
def masked_readouts(h, mask):
    padded = ~mask[:, :, None]
    maximum = h.masked_fill(padded, -torch.inf).amax(1)
    return h.masked_fill(padded, 0).sum(1), maximum
""",
            "that is the sum: divide by the number of nodes",
        ),
        (
            """
def masked_readouts(h, mask):
    padded = ~mask[:, :, None]
    maximum = h.masked_fill(padded, -torch.inf).amax(1)
    return h.masked_fill(padded, 0).sum(1) / mask.sum(), maximum
""",
            "you divide by all nodes of the batch",
        ),
        (
            """
def masked_readouts(h, mask):
    kept = h.masked_fill(~mask[:, :, None], 0)
    return kept.sum(1) / mask.sum(1, keepdim=True), kept.amax(1)
""",
            "padded rows win with 0",
        ),
        (
            """
def masked_readouts(h, mask):
    padded = ~mask[:, :, None]
    low = h.masked_fill(padded & (h == 0), -torch.inf)
    kept = h.masked_fill(padded, 0)
    return kept.sum(1) / mask.sum(1, keepdim=True), low.amax(1)
""",
            "a padded row wins",
        ),
        (
            """
def masked_readouts(h, mask):
    mean = (h * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
    return mean, h.masked_fill(~mask[:, :, None], -torch.inf).amax(1)
""",
            "0 · NaN is NaN",
        ),
        (
            """
def masked_readouts(h, mask):
    kept = h.masked_fill(~mask[:, :, None], 0)
    return kept.sum(1) / mask.sum(1, keepdim=True)
""",
            "return two things",
        ),
    ],
    "2.4": [
        (
            """
def is_equivariant(layer, x, adj):
    p = torch.randperm(len(x))
    return torch.allclose(layer(x[p], adj[p][:, p]), layer(x, adj), atol=1e-5)
""",
            "that is invariance",
        ),
        (
            """
def is_equivariant(layer, x, adj):
    before = layer(x, adj)
    for _ in range(50):
        p = torch.randperm(len(x))
        if not torch.allclose(layer(x[p], adj[p]), before[p], atol=1e-5):
            return False
    return True
""",
            "rows and columns, adj[p][:, p]",
        ),
        (
            """
def is_equivariant(layer, x, adj):
    before = layer(x, adj)
    for _ in range(50):
        p = torch.randperm(len(x))
        if not torch.allclose(layer(x[p], adj), before[p], atol=1e-5):
            return False
    return True
""",
            "the adjacency moves with the nodes",
        ),
        (
            """
def is_equivariant(layer, x, adj):
    before = layer(x, adj)
    for _ in range(50):
        p = torch.randperm(len(x))
        if not torch.equal(layer(x[p], adj[p][:, p]), before[p]):
            return False
    return True
""",
            "so compare with torch.allclose",
        ),
        (
            """
def is_equivariant(layer, x, adj):
    before = layer(x, adj)
    for _ in range(50):
        p = torch.randperm(len(x))
        after = layer(x[p], adj[p][:, p])
        if not torch.allclose(after, before[p.argsort()], atol=1e-5):
            return False
    return True
""",
            "before[p] must come out",
        ),
        (
            """
def is_equivariant(layer, x, adj):
    p = torch.arange(len(x)).flip(0)
    return torch.allclose(layer(x[p], adj[p][:, p]), layer(x, adj)[p], atol=1e-5)
""",
            "which reversing the order does not show",
        ),
        (
            """
def is_equivariant(layer, x, adj):
    p = torch.arange(len(x))
    p[:2] = torch.tensor([1, 0])
    return torch.allclose(layer(x[p], adj[p][:, p]), layer(x, adj)[p], atol=1e-5)
""",
            "swapping two neighbours in the list",
        ),
        (
            """
def is_equivariant(layer, x, adj):
    before = layer(x, adj)
    for _ in range(50):
        p = torch.randperm(len(x))
        after = layer(x[p], adj[p][:, p])
        if not torch.allclose(after, before[p], atol=0.5):
            return False
    return True
""",
            "your tolerance is too wide",
        ),
        (
            """
def is_equivariant(layer, x, adj):
    p = torch.tensor([3, 0, 1, 2, 5, 6, 4])
    return torch.allclose(layer(x[p], adj[p][:, p]), layer(x, adj)[p], atol=1e-5)
""",
            "permutation is not enough, try fifty",
        ),
        (
            """
def is_equivariant(layer, x, adj):
    p = torch.randperm(len(x))
    return torch.isclose(layer(x[p], adj[p][:, p]), layer(x, adj)[p])
""",
            "return True or False, of all rows",
        ),
    ],
    "2.5": [
        (
            """
def ruler(train_sizes, train_labels, test_sizes):
    best, answer = -1, None
    for t in train_sizes.unique():
        right = ((train_sizes > t).long() == train_labels).sum().item()
        if right > best:
            best, answer = right, (test_sizes > t).long()
    return answer
""",
            "you try one direction only",
        ),
        (
            """
def ruler(train_sizes, train_labels, test_sizes):
    best, answer = -1, None
    for t in train_sizes.unique():
        for large in (0, 1):
            guess = torch.where(train_sizes > t, large, 1 - large)
            right = (guess == train_labels).sum().item()
            if right > best:
                best, answer = right, torch.where(test_sizes > t, 1 - large, large)
    return answer
""",
            "the direction is wrong",
        ),
        (
            """
def ruler(train_sizes, train_labels, test_sizes):
    best, answer = -1, None
    for t in train_sizes.unique():
        for large in (0, 1):
            guess = torch.where(train_sizes > t, large, 1 - large)
            right = (guess == train_labels).sum().item()
            if right > best:
                best, answer = right, torch.where(test_sizes >= t, large, 1 - large)
    return answer
""",
            "graphs of exactly the threshold's size",
        ),
        (
            """
def ruler(train_sizes, train_labels, test_sizes):
    t = train_sizes.float().mean()
    ones = train_sizes[train_labels == 1].float().mean()
    large = int(ones > train_sizes[train_labels == 0].float().mean())
    return torch.where(test_sizes > t, large, 1 - large)
""",
            "the threshold is the mean",
        ),
        (
            """
def ruler(train_sizes, train_labels, test_sizes):
    return torch.full_like(test_sizes, int(train_labels.bincount().argmax()))
""",
            "let the size decide",
        ),
        (
            """
def ruler(train_sizes, train_labels, test_sizes):
    return torch.ones_like(test_sizes)
""",
            "the size has to decide",
        ),
        (
            """
def ruler(train_sizes, train_labels, test_sizes):
    return (train_sizes > train_sizes.median()).long()
""",
            "label the test's",
        ),
    ],
}
