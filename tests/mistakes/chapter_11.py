"""Typical mistakes of chapter 11, with words of the message that names each."""

NUMBER = """
def number_nodes(pairs):
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    number = {name: i for i, name in enumerate(names)}
    edges = [(number[a], number[b]) for a, b in pairs]
    return names, torch.tensor(sorted(set(edges + [(b, a) for a, b in edges]))).T
"""
LIST = """
def from_edge_list(edges, labels):
    classes = sorted({label for _, label in labels})
    graphs = []
    for graph, label in labels:
        pairs = [(a, b) for g, a, b in edges if g == graph]
        names = list(dict.fromkeys(n for pair in pairs for n in pair))
        one = torch.tensor([[names.index(n) for n in p] for p in pairs]).T
        both = torch.cat([one, one.flip(0)], dim=1)
        degree = both[0].bincount(minlength=len(names))
        x = F.one_hot(degree.clamp(max=3), 4).float()
        graphs.append(Data(x=x, edge_index=both, y=torch.tensor([CLASS])))
    return graphs
""".replace("CLASS", "classes.index(label)")

MISTAKES = {
    "11.1": [
        (NUMBER.replace("list(dict.fromkeys(", "sorted(set("), "you sorted the names"),
        (NUMBER.replace("enumerate(names)", "enumerate(names, 1)"), "start at 1"),
        (NUMBER.replace("set(edges + [(b, a) for a, b in edges])", "edges"), "other"),
        (NUMBER.replace("sorted(set(", "sorted(list("), "stands twice in one"),
        (NUMBER.replace("))).T", ")))"), "turn it"),
    ],
    "11.2": [
        (
            """
def clusters_each(sizes, ratio, most):
    return (sizes * ratio).long().clamp(max=most)
""",
            "you round down",
        ),
        (
            """
def clusters_each(sizes, ratio, most):
    return (sizes * ratio).ceil().long()
""",
            "never more than `most`",
        ),
        (
            """
def clusters_each(sizes, ratio, most):
    return (sizes * ratio).round().clamp(max=most).long()
""",
            "round to the nearest",
        ),
        (
            """
def clusters_each(sizes, ratio, most):
    return (sizes * ratio).ceil().clamp(max=most)
""",
            "clusters are counted",
        ),
    ],
    "11.3": [
        (
            """
def balanced_logits(logits, counts):
    return logits + (counts / counts.sum()).log()
""",
            "the frequent class gets even more",
        ),
        (
            """
def balanced_logits(logits, counts):
    return logits - counts / counts.sum()
""",
            "subtract the shares themselves",
        ),
        (
            """
def balanced_logits(logits, counts):
    return (logits - counts.log()).softmax(1)
""",
            "without the softmax",
        ),
        (
            """
def balanced_logits(logits, counts):
    return logits - counts.sum().log()
""",
            "nothing changed",
        ),
    ],
    "11.4": [
        (
            """
def pieces(edge_index, cluster):
    return len(cluster.unique())
""",
            "you count clusters",
        ),
        (
            """
def pieces(edge_index, cluster):
    return nx.number_connected_components(nx.Graph(edge_index.T.tolist()))
""",
            "parts of the whole graph",
        ),
        (
            """
def pieces(edge_index, cluster):
    start, end = edge_index
    inside = edge_index[:, cluster[start] == cluster[end]]
    return nx.number_connected_components(nx.Graph(inside.T.tolist()))
""",
            "nodes without edges are missing",
        ),
    ],
    "11.5": [
        (LIST.replace("torch.cat([one, one.flip(0)], dim=1)", "one"), "stands once"),
        (
            LIST.replace(
                "sorted({label for _, label in labels})",
                "[label for _, label in labels]",
            ),
            "order of the rows",
        ),
        (LIST.replace("index(label)", "index(label) + 1"), "labels start at 1"),
        (LIST.replace(".clamp(max=3), 4", ""), "cap the degree"),
        (LIST.replace("4).float()", "4)"), "features are floats"),
        (LIST.replace(" if g == graph", ""), "this graph's rows"),
        (LIST.replace("in labels:", "in sorted(labels):"), "another order than"),
        (LIST.replace("names.index(n) for", "names.index(n) + 1 for"), "start at 0"),
    ],
}
