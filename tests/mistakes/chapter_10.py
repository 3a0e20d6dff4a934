"""Typical mistakes of chapter 10, with words of the message that names each."""

MISTAKES = {
    "10.1": [
        (
            """
def above_chance(accuracy, n, classes):
    error = (accuracy * (1 - accuracy) / n) ** 0.5
    return (accuracy - 1 / classes) / error
""",
            "not the accuracy, under the root",
        ),
        (
            """
def above_chance(accuracy, n, classes):
    return (accuracy - 0.5) / (0.25 / n) ** 0.5
""",
            "with four classes a guess is right with 1/4",
        ),
        (
            """
def above_chance(accuracy, n, classes):
    p = 1 / classes
    return (accuracy - p) / (p * (1 - p) / n)
""",
            "divides by the variance",
        ),
        (
            """
def above_chance(accuracy, n, classes):
    p = 1 / classes
    return (accuracy - p) / (p * (1 - p)) ** 0.5
""",
            "the mean of n guesses",
        ),
        (
            """
def above_chance(accuracy, n, classes):
    return accuracy - 1 / classes
""",
            "divide it by the standard error",
        ),
    ],
    "10.2": [
        (
            """
def wiring(adj):
    linked = adj > 0
    if linked.sum(1).max() > 2:
        return "star"
    k = len(adj)
    reach = torch.linalg.matrix_power(linked.float() + torch.eye(k), k) > 0
    return "ring" if reach.all() else "rings"
""",
            "the diagonal of A' is no link",
        ),
        (
            """
def wiring(adj):
    apart = adj * (1 - torch.eye(len(adj)))
    if apart.sum(1).max() > 5:
        return "star"
    reach = torch.linalg.matrix_power(apart + torch.eye(len(adj)), len(adj)) > 0
    return "ring" if reach.all() else "rings"
""",
            "count links, entries above 0",
        ),
        (
            """
def wiring(adj):
    linked = (adj > 0) & ~torch.eye(len(adj), dtype=torch.bool)
    return "star" if linked.sum(1).max() > 2 else "ring"
""",
            "only who can be reached",
        ),
        (
            """
def wiring(adj):
    return 0
""",
            "one of 'ring', 'star', 'rings'",
        ),
    ],
    "10.3": [
        (
            """
def refined(edge_index, colour):
    seen = []
    for v in range(len(colour)):
        near = edge_index[1][edge_index[0] == v]
        seen.append((int(colour[v]), *sorted(colour[near].tolist())))
    return len(set(seen))
""",
            "one round is not enough",
        ),
        (
            """
def refined(edge_index, colour):
    colour = colour.tolist()
    for _ in range(len(colour)):
        seen = []
        for v in range(len(colour)):
            near = edge_index[1][edge_index[0] == v].tolist()
            seen.append((colour[v], *sorted({colour[u] for u in near})))
        names = {kind: i for i, kind in enumerate(sorted(set(seen)))}
        colour = [names[kind] for kind in seen]
    return len(names)
""",
            "two red neighbours are not three",
        ),
        (
            """
def refined(edge_index, colour):
    colour = colour.tolist()
    for _ in range(len(colour)):
        seen = []
        for v in range(len(colour)):
            near = edge_index[1][edge_index[0] == v].tolist()
            seen.append((colour[v], sum(colour[u] for u in near)))
        names = {kind: i for i, kind in enumerate(sorted(set(seen)))}
        colour = [names[kind] for kind in seen]
    return len(names)
""",
            "0 + 3 is 1 + 2",
        ),
        (
            """
def refined(edge_index, colour):
    colour = colour.tolist()
    for _ in range(len(colour)):
        seen = []
        for v in range(len(colour)):
            near = edge_index[1][edge_index[0] == v].tolist()
            seen.append(tuple(sorted(colour[u] for u in near)))
        names = {kind: i for i, kind in enumerate(sorted(set(seen)))}
        colour = [names[kind] for kind in seen]
    return len(names)
""",
            "a node keeps its own colour",
        ),
        (
            """
def refined(edge_index, colour):
    return colour.clone()
""",
            "not the colours",
        ),
    ],
    "10.4": [
        (
            """
def rewired(pairs, i, j):
    new = pairs.clone()
    new[1, i], new[1, j] = pairs[1, j], pairs[1, i]
    return new
""",
            "that makes a second edge",
        ),
        (
            """
def rewired(pairs, i, j):
    new = pairs.clone()
    new[1, i], new[1, j] = pairs[1, j], pairs[1, i]
    edges = [tuple(sorted(pair)) for pair in new.T.tolist()]
    return new if len(set(edges)) == len(edges) else pairs
""",
            "that makes a loop",
        ),
        (
            """
def rewired(pairs, i, j):
    new = pairs.clone()
    new[1, i] = pairs[1, j]
    edges = {tuple(sorted(pair)) for pair in new.T.tolist()}
    fine = len(edges) == new.shape[1] and (new[0] != new[1]).all()
    return new if fine else pairs
""",
            "a degree has changed",
        ),
        (
            """
def rewired(pairs, i, j):
    return pairs
""",
            "nothing changed",
        ),
    ],
}
