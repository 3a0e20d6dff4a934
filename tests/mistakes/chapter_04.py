"""Typical mistakes of chapter 04, with words of the message that names each."""

MISTAKES = {
    "4.1": [
        (
            """
def two_numbers(s):
    entropy = torch.special.entr
    return entropy(s).sum(1).mean().exp(), entropy(s.mean(0)).sum().exp()
""",
            "the other way round",
        ),
        (
            """
def two_numbers(s):
    entropy = torch.special.entr
    return entropy(s.mean(0)).sum(), entropy(s).sum(1).mean()
""",
            "take the exponential of both",
        ),
        (
            """
def two_numbers(s):
    mean = s.mean(0)
    in_use = (-(mean * mean.log()).sum()).exp()
    return in_use, (-(s * s.log()).sum(1).mean()).exp()
""",
            "0 · log 0 has to count as 0",
        ),
        (
            """
def two_numbers(s):
    s = s.clamp(min=1e-12)
    mean = s.mean(0)
    in_use = (-(mean * mean.log2()).sum()).exp()
    return in_use, (-(s * s.log2()).sum(1).mean()).exp()
""",
            "use log, not log2",
        ),
        (
            """
def two_numbers(s):
    entropy = torch.special.entr
    return entropy(s.mean(0)).sum().exp(), entropy(s).sum(1).exp().mean()
""",
            "average the entropies first",
        ),
        (
            """
def two_numbers(s):
    entropy = torch.special.entr
    return entropy(s.sum(0)).sum().exp(), entropy(s).sum(1).mean().exp()
""",
            "s.mean(0), not s.sum(0)",
        ),
        (
            """
def two_numbers(s):
    return torch.special.entr(s).sum(1).exp()
""",
            "return two things",
        ),
    ],
    "4.2": [
        (
            """
def wrong_entries(edge_index, cluster):
    together = (cluster[:, None] == cluster).fill_diagonal_(False)
    linked = torch.zeros_like(together)
    linked[edge_index[0], edge_index[1]] = True
    return (together != linked).sum()
""",
            "the diagonal is wrong too",
        ),
        (
            """
def wrong_entries(edge_index, cluster):
    return (cluster[edge_index[0]] != cluster[edge_index[1]]).sum()
""",
            "only the bridges",
        ),
        (
            """
def wrong_entries(edge_index, cluster):
    together = cluster[:, None] == cluster
    linked = torch.zeros_like(together)
    linked[edge_index[0], edge_index[1]] = True
    return (together == linked).sum()
""",
            "the entries that agree",
        ),
        (
            """
def wrong_entries(edge_index, cluster):
    together = cluster[:, None] == cluster
    linked = torch.zeros_like(together)
    linked[edge_index[0], edge_index[1]] = True
    return (together & ~linked).sum()
""",
            "edges between two clusters",
        ),
        (
            """
def wrong_entries(edge_index, cluster):
    together = cluster[:, None] == cluster
    linked = torch.zeros_like(together)
    linked[edge_index[0], edge_index[1]] = True
    return (together != linked).triu().sum()
""",
            "every pair stands in A twice",
        ),
        (
            """
def wrong_entries(edge_index, cluster):
    together = cluster[:, None] == cluster
    linked = torch.zeros_like(together)
    linked[edge_index[0], edge_index[1]] = True
    return together != linked
""",
            "add its entries up",
        ),
        (
            """
def wrong_entries(edge_index, cluster):
    together = cluster[:, None] == cluster
    linked = torch.zeros_like(together)
    linked[edge_index[0], edge_index[1]] = True
    return (together != linked).any()
""",
            "is True, a yes or no, expected a number",
        ),
        (
            """
def wrong_entries(edge_index, cluster):
    together = cluster[:, None] == cluster
    linked = torch.zeros_like(together)
    linked[edge_index[0], edge_index[1]] = True
    return (together - linked).abs().sum()
""",
            "make numbers of True and False first",
        ),
        (
            """
def wrong_entries(edge_index, cluster):
    adj = torch.zeros(len(cluster), len(cluster))
    adj[edge_index[0], edge_index[1]] = 1
    return (adj - (cluster[:, None] == cluster).float()).sum()
""",
            "entries of −1 and of +1 cancel",
        ),
    ],
    "4.3": [
        (
            """
def both_levels(s1, s2):
    return (s1 @ s2).T
""",
            "is it transposed?",
        ),
        (
            """
def both_levels(s1, s2):
    return (s1 @ s2).softmax(dim=1)
""",
            "no softmax",
        ),
        (
            """
def both_levels(s1, s2):
    return s2[s1.argmax(1)]
""",
            "no argmax between the levels",
        ),
        (
            """
def both_levels(s1, s2):
    return F.one_hot((s1 @ s2).argmax(1), s2.shape[1])
""",
            "no argmax at the end",
        ),
    ],
    "4.4": [
        (
            """
def matched(found, groups, k):
    return (found == groups).double().mean()
""",
            "rename them first",
        ),
        (
            """
def matched(found, groups, k):
    right = 0
    for c in range(k):
        inside = groups[found == c]
        right += int(torch.bincount(inside).max()) if len(inside) else 0
    return right / len(found)
""",
            "every name only once",
        ),
        (
            """
def matched(found, groups, k):
    table = torch.zeros(k, k)
    table.index_put_((found, groups), torch.ones(len(found)), accumulate=True)
    right = 0
    for _ in range(k):
        cell = int(table.argmax())
        right += float(table[cell // k, cell % k])
        table[cell // k], table[:, cell % k] = -1, -1
    return max(right, 0) / len(found)
""",
            "largest overlap first",
        ),
        (
            """
def matched(found, groups, k):
    from itertools import permutations
    return max(
        int((torch.tensor(names)[found] == groups).sum())
        for names in permutations(range(k))
    )
""",
            "divide by all nodes",
        ),
    ],
}
