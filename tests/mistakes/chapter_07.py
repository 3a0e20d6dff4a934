"""Typical mistakes of chapter 07, with words of the message that names each."""

MISTAKES = {
    "7.1": [
        (
            """
def ends_in(s1, s2):
    return s2.argmax(1)[s1.argmax(1)]
""",
            "Compose the shares first",
        ),
        (
            """
def ends_in(s1, s2):
    return s1 @ s2
""",
            "return the number of one",
        ),
        (
            """
def ends_in(s1, s2):
    return (s1 @ s2).argmax(0)
""",
            "expected [4]",
        ),
    ],
    "7.2": [
        (
            """
def nmi_by_hand(a, b):
    return (a == b).double().mean()
""",
            "the names of clusters mean nothing",
        ),
        (
            """
def nmi_by_hand(a, b):
    entropy = torch.special.entr
    _, a = a.unique(return_inverse=True)
    _, b = b.unique(return_inverse=True)
    joint = F.one_hot(a).double().T @ F.one_hot(b).double() / len(a)
    h_a, h_b = entropy(joint.sum(1)).sum(), entropy(joint.sum(0)).sum()
    return (h_a + h_b - entropy(joint).sum()) / (h_a + h_b)
""",
            "not their sum",
        ),
        (
            """
def nmi_by_hand(a, b):
    entropy = torch.special.entr
    _, a = a.unique(return_inverse=True)
    _, b = b.unique(return_inverse=True)
    joint = F.one_hot(a).double().T @ F.one_hot(b).double() / len(a)
    h_a, h_b = entropy(joint.sum(1)).sum(), entropy(joint.sum(0)).sum()
    return h_a + h_b - entropy(joint).sum()
""",
            "that is I, in nats",
        ),
        (
            """
def nmi_by_hand(a, b):
    _, a = a.unique(return_inverse=True)
    _, b = b.unique(return_inverse=True)
    joint = F.one_hot(a).double().T @ F.one_hot(b).double() / len(a)
    rows, columns = joint.sum(1), joint.sum(0)
    shared = (joint * (joint / torch.outer(rows, columns)).log()).sum()
    h = -(rows * rows.log()).sum() - (columns * columns.log()).sum()
    return 2 * shared / h
""",
            "skip empty cells",
        ),
        (
            """
def nmi_by_hand(a, b):
    entropy = torch.special.entr
    _, a = a.unique(return_inverse=True)
    _, b = b.unique(return_inverse=True)
    joint = F.one_hot(a).double().T @ F.one_hot(b).double() / len(a)
    h_a, h_b = entropy(joint.sum(1)).sum(), entropy(joint.sum(0)).sum()
    return (h_a + h_b - entropy(joint).sum()) / max(h_a, h_b)
""",
            "by the larger entropy",
        ),
    ],
    "7.3": [
        (
            """
def by_chance(score, a, b, times):
    return score(a, b[torch.randperm(len(b))])
""",
            "called 1 times",
        ),
        (
            """
def by_chance(score, a, b, times):
    draws = [torch.randint(3, b.shape) for _ in range(times)]
    return sum(score(a, draw) for draw in draws) / times
""",
            "do not draw new numbers",
        ),
        (
            """
def by_chance(score, a, b, times):
    total = 0
    for _ in range(times):
        order = torch.randperm(len(b))
        total += score(a[order], b[order])
    return total / times
""",
            "shuffled alike",
        ),
        (
            """
def by_chance(score, a, b, times):
    order = torch.tensor([11, 3, 0, 7, 1, 10, 2, 9, 4, 8, 5, 6])
    return sum(score(a, b[order]) for _ in range(times)) / times
""",
            "shuffle anew every time",
        ),
        (
            """
def by_chance(score, a, b, times):
    b = b[torch.randperm(len(b))]
    return sum(score(a, b) for _ in range(times)) / times
""",
            "in the loop",
        ),
        (
            """
def by_chance(score, a, b, times):
    return sum(score(a, b[torch.randperm(len(b))]) for _ in range(times))
""",
            "the mean over all times",
        ),
    ],
    "7.4": [
        (
            """
def modularity(coarse):
    return coarse.trace() / coarse.sum()
""",
            "subtract what chance would give",
        ),
        (
            """
def modularity(coarse):
    m = coarse.sum()
    rows = coarse.sum(1)
    return coarse.trace() - (rows.square() / m).sum()
""",
            "divide by the mass",
        ),
        (
            """
def modularity(coarse):
    shares = coarse / coarse.sum()
    return shares.trace() - shares.sum(1).sum() ** 2
""",
            "square each row's share",
        ),
    ],
}
