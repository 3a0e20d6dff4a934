"""Typical mistakes of chapter 05, with words of the message that names each."""

MISTAKES = {
    "5.1": [
        (
            """
def undo_padding(link, entropy, nodes, padded):
    return link * padded**2, entropy * padded / nodes
""",
            "that is the norm itself",
        ),
        (
            """
def undo_padding(link, entropy, nodes, padded):
    return link * (padded / nodes) ** 2, entropy * padded / nodes
""",
            "PyG's number without padding",
        ),
        (
            """
def undo_padding(link, entropy, nodes, padded):
    return link * padded / nodes, entropy * padded / nodes
""",
            "one matrix has padded² entries",
        ),
        (
            """
def undo_padding(link, entropy, nodes, padded):
    return link * padded**2 / nodes, entropy
""",
            "the entropy came back as it was",
        ),
        (
            """
def undo_padding(link, entropy, nodes, padded):
    return link * padded**2 / nodes, entropy * nodes / padded
""",
            "padding made it smaller",
        ),
        (
            """
def undo_padding(link, entropy, nodes, padded):
    return link * padded**2 / nodes
""",
            "return two things",
        ),
    ],
    "5.2": [
        (
            """
def masked_entropy(logits, mask):
    s = torch.softmax(logits, dim=1)
    of_nodes = torch.special.entr(s).sum(-1) * mask
    return (of_nodes.sum(1) / mask.sum(1)).mean()
""",
            "softmax over clusters, dim=-1 (yours runs over the nodes)",
        ),
        (
            """
def masked_entropy(logits, mask):
    s = torch.softmax(logits, dim=0)
    of_nodes = torch.special.entr(s).sum(-1) * mask
    return (of_nodes.sum(1) / mask.sum(1)).mean()
""",
            "softmax over clusters, dim=-1 (yours runs over the graphs)",
        ),
        (
            """
def masked_entropy(logits, mask):
    s = torch.softmax(logits, dim=-1)
    return torch.special.entr(s).sum(-1).mean()
""",
            "padding counts",
        ),
        (
            """
def masked_entropy(logits, mask):
    s = torch.softmax(logits, dim=-1)
    return (torch.special.entr(s).sum(-1) * mask).mean()
""",
            "divide by all of them, padding too",
        ),
        (
            """
def masked_entropy(logits, mask):
    s = torch.softmax(logits, dim=-1)
    return torch.special.entr(s).sum(-1)[mask].mean()
""",
            "a large graph would count more",
        ),
        (
            """
def masked_entropy(logits, mask):
    s = torch.softmax(logits, dim=-1)
    return ((-s * s.log()).sum(-1) * mask).sum() / 3
""",
            "0 · log 0 has to count as 0",
        ),
        (
            """
def masked_entropy(logits, mask):
    s = torch.softmax(logits, dim=-1)
    of_nodes = torch.special.entr(s).sum(-1) * mask
    return (of_nodes.sum(1) / mask.sum(1)).sum()
""",
            "you add the graphs up",
        ),
        (
            """
def masked_entropy(logits, mask):
    s = torch.softmax(logits, dim=-1)
    of_nodes = torch.special.entr(s).sum(-1) * mask
    return (of_nodes.sum(1) / mask.sum(1)).mean() / np.log(2)
""",
            "bits: use the natural logarithm",
        ),
        (
            """
def masked_entropy(logits, mask):
    s = torch.softmax(logits.detach(), dim=-1)
    of_nodes = torch.special.entr(s).sum(-1) * mask
    return (of_nodes.sum(1) / mask.sum(1)).mean()
""",
            "no gradient: something detaches",
        ),
        (
            """
def masked_entropy(logits, mask):
    means = []
    for scores, own in zip(logits, mask):
        s = scores[: int(own.sum())].softmax(-1)
        means.append(torch.special.entr(s).sum(-1).mean())
    return torch.stack(means).mean()
""",
            "they need not come first",
        ),
    ],
    "5.3": [
        (
            """
def link_gradient(adj, s):
    return -4 * (adj - s @ s.T) @ s
""",
            "right for a symmetric A only",
        ),
        (
            """
def link_gradient(adj, s):
    return 2 * (adj + adj.T) @ s - 4 * s @ s.T @ s
""",
            "the sign",
        ),
        (
            """
def link_gradient(adj, s):
    return -(adj + adj.T) @ s + 2 * s @ s.T @ s
""",
            "half of it",
        ),
        (
            """
def link_gradient(adj, s):
    grad = -2 * (adj + adj.T) @ s + 4 * s @ s.T @ s
    return grad / (2 * (adj - s @ s.T).norm())
""",
            "the gradient of the norm: Q is its square",
        ),
        (
            """
def link_gradient(adj, s):
    return -2 * (adj + adj.T) @ s
""",
            "the repulsion is missing",
        ),
    ],
    "5.4": [
        (
            """
def off_diagonal(edge_index, s):
    i, j = edge_index
    return len(i) - 2 * (s[i] * s[j]).sum() + (s.T @ s).square().sum()
""",
            "the diagonal is still there",
        ),
        (
            """
def off_diagonal(edge_index, s):
    i, j = edge_index
    whole = len(i) - 2 * (s[i] * s[j]).sum() + (s.T @ s).square().sum()
    return whole - s.square().sum()
""",
            "in the sum it stands squared",
        ),
        (
            """
def off_diagonal(edge_index, s):
    i, j = edge_index
    whole = len(i) - 2 * (s[i] * s[j]).sum() + (s.T @ s).square().sum()
    return whole - (s.T @ s).diagonal().square().sum()
""",
            "it is the one of SSᵀ, nodes",
        ),
        (
            """
def off_diagonal(edge_index, s):
    i, j = edge_index
    whole = len(i) - (s[i] * s[j]).sum() + (s.T @ s).square().sum()
    return whole - s.square().sum(1).square().sum()
""",
            "the sum over the edges twice",
        ),
        (
            """
def off_diagonal(edge_index, s):
    adj = torch.zeros(len(s), len(s), dtype=s.dtype)
    adj[edge_index[0], edge_index[1]] = 1
    square = (adj - s @ s.T).square()
    return square.sum() - square.diagonal().sum()
""",
            "without any n × n matrix",
        ),
        (
            """
def off_diagonal(edge_index, s):
    i, j = edge_index
    whole = len(i) - 2 * (s[i] * s[j]).sum() + (s.T @ s).square().sum()
    return (whole - s.square().sum(1).square().sum()).sqrt()
""",
            "that is the root",
        ),
    ],
}
