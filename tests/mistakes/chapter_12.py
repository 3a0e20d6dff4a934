"""What readers get wrong in chapter 12, and words that must name it."""

MISTAKES = {
    "12.1": [
        (
            """
def between(A):
    d = A.sum(1)
    return A / torch.outer(d, d).sqrt()
""",
            "take the diagonal out first",
        ),
        (
            """
def between(A):
    d = A.sum(1)
    A = A - torch.diag(A.diagonal())
    return A / torch.outer(d, d).sqrt()
""",
            "the degrees still count what is inside",
        ),
        (
            """
def between(A):
    A = A - torch.diag(A.diagonal())
    return A / A.sum(1, keepdim=True)
""",
            "whose rows add up to 1",
        ),
        (
            """
def between(A):
    A = A - torch.diag(A.diagonal())
    d = A.sum(1)
    return A / torch.outer(d, d)
""",
            "not by their product",
        ),
        (
            """
def between(A):
    return A - torch.diag(A.diagonal())
""",
            "now divide by the degrees",
        ),
    ],
    "12.2": [
        (
            """
def walks(N, longest):
    return torch.stack([(N**p).trace() for p in range(2, longest + 1)])
""",
            "powers of the entries",
        ),
        (
            """
def walks(N, longest):
    power = torch.linalg.matrix_power
    return torch.stack([power(N, p).sum() for p in range(2, longest + 1)])
""",
            "counts open walks too",
        ),
        (
            """
def walks(N, longest):
    power = torch.linalg.matrix_power
    return torch.stack([power(N, p).trace() for p in range(1, longest)])
""",
            "one step short",
        ),
        (
            """
def walks(N, longest):
    power = torch.linalg.matrix_power
    return torch.stack([power(N, p).trace() for p in range(1, longest + 1)])
""",
            "begin with p = 2",
        ),
    ],
    "12.3": [
        (
            """
def never_seen(train, test):
    return [i for i, links in enumerate(test) if links not in train]
""",
            "the order of the pairs",
        ),
        (
            """
def never_seen(train, test):
    known = {frozenset(links) for links in train}
    return [i for i, links in enumerate(test) if frozenset(links) not in known]
""",
            "sort each pair",
        ),
        (
            """
def never_seen(train, test):
    return [links for links in test if links not in train]
""",
            "not the wirings",
        ),
        (
            """
def never_seen(train, test):
    def name(links):
        return tuple(sorted(community for pair in links for community in pair))

    known = {name(links) for links in train}
    return [i for i, links in enumerate(test) if name(links) not in known]
""",
            "a prism under other names is another wiring",
        ),
    ],
}
