"""Typical mistakes of chapter 09, with words of the message that names each."""

MISTAKES = {
    "9.1": [
        (
            """
def largest_graph(memory, matrices):
    return int((memory / matrices) ** 0.5)
""",
            "it takes 4 bytes, not 1",
        ),
        (
            """
def largest_graph(memory, matrices):
    return int((memory / matrices / 32) ** 0.5)
""",
            "the bits of a float32",
        ),
        (
            """
def largest_graph(memory, matrices):
    return int((memory / matrices / 8) ** 0.5)
""",
            "8 bytes are a float64",
        ),
        (
            """
def largest_graph(memory, matrices):
    return int((memory / 4) ** 0.5)
""",
            "there are `matrices` of them",
        ),
        (
            """
def largest_graph(memory, matrices):
    return memory // (4 * matrices)
""",
            "that is n²",
        ),
        (
            """
def largest_graph(memory, matrices):
    return int((memory / 4) ** 0.5 / matrices)
""",
            "before you take the root",
        ),
        (
            """
def largest_graph(memory, matrices):
    return round((memory / matrices / 4) ** 0.5)
""",
            "one too many",
        ),
        (
            """
def largest_graph(memory, matrices):
    return int((memory / matrices / 4) ** 0.5) - 1
""",
            "the largest whole n",
        ),
    ],
    "9.2": [
        (
            """
def safe_root(x):
    return x.sqrt()
""",
            "the gradient at 0 is infinite",
        ),
        (
            """
def safe_root(x):
    return torch.where(x > 0, x.sqrt(), 0.0)
""",
            "0 · inf is NaN",
        ),
        (
            """
def safe_root(x):
    return (x + 1e-12).sqrt()
""",
            "added or clamped",
        ),
        (
            """
def safe_root(x):
    return torch.where(x > 0, x, 1.0).sqrt()
""",
            "The value must not move",
        ),
        (
            """
def safe_root(x):
    return x.detach().sqrt()
""",
            "no gradient",
        ),
        (
            """
def safe_root(x):
    some = x > 1e-8
    return torch.where(some, x, 1.0).sqrt() * some
""",
            "its root is 1e-5",
        ),
        (
            """
def safe_root(x):
    root = x.detach().sqrt()
    return root + (x - x.detach()) / (2 * root + 1e-4)
""",
            "only x = 0 itself is special",
        ),
    ],
    "9.3": [
        (
            """
def slots(sizes, chunk):
    return torch.arange(int(sizes.sum()))
""",
            "no graph moved",
        ),
        (
            """
def slots(sizes, chunk):
    chunks = sizes // chunk + 1
    shift = (chunks.cumsum(0) - chunks) * chunk - (sizes.cumsum(0) - sizes)
    return torch.arange(int(sizes.sum())) + shift.repeat_interleave(sizes)
""",
            "fills one chunk of 4",
        ),
        (
            """
def slots(sizes, chunk):
    chunks = sizes // chunk
    shift = (chunks.cumsum(0) - chunks) * chunk - (sizes.cumsum(0) - sizes)
    return torch.arange(int(sizes.sum())) + shift.repeat_interleave(sizes)
""",
            "round up, not down",
        ),
        (
            """
def slots(sizes, chunk):
    chunks = ((sizes + chunk - 1) // chunk).max().expand(len(sizes))
    shift = (chunks.cumsum(0) - chunks) * chunk - (sizes.cumsum(0) - sizes)
    return torch.arange(int(sizes.sum())) + shift.repeat_interleave(sizes)
""",
            "the chunks of the largest",
        ),
        (
            """
def slots(sizes, chunk):
    chunks = (sizes + chunk - 1) // chunk
    shift = (chunks.cumsum(0) - chunks) * chunk - (sizes.cumsum(0) - sizes)
    slot = torch.arange(int(sizes.sum())) + shift.repeat_interleave(sizes)
    return slot // chunk
""",
            "the chunk of every node",
        ),
        (
            """
def slots(sizes, chunk):
    start = (sizes.cumsum(0) - sizes).repeat_interleave(sizes)
    return (torch.arange(int(sizes.sum())) - start) % chunk
""",
            "the place inside the chunk",
        ),
        (
            """
def slots(sizes, chunk):
    chunks = (sizes + chunk - 1) // chunk
    shift = chunks.cumsum(0) * chunk - (sizes.cumsum(0) - sizes)
    return torch.arange(int(sizes.sum())) + shift.repeat_interleave(sizes)
""",
            "the first slot of its graph",
        ),
    ],
    "9.4": [
        (
            """
def block_loss(edge_index, edge_weight, s, b):
    adj = s.new_zeros(len(s), len(s))
    adj[tuple(edge_index)] = edge_weight
    return (adj - s @ b @ s.T).square().sum()
""",
            "no n × n matrix",
        ),
        *(
            (
                f"""
def block_loss(edge_index, edge_weight, s, b):
    i, j = edge_index
    a_s = torch.zeros_like(s).index_add(0, i, edge_weight[:, None] * s[j])
    pooled, gram = s.T @ a_s, s.T @ s
    return {loss}
""",
                words,
            )
            for loss, words in (
                (
                    "edge_weight.square().sum() - 2 * pooled.trace() "
                    "+ (b * (gram @ b @ gram)).sum()",
                    "the middle term has no B",
                ),
                (
                    "edge_weight.square().sum() - 2 * (b.T * pooled).sum() "
                    "+ (b * (gram @ b @ gram)).sum()",
                    "pairs B_cd with A'_dc",
                ),
                (
                    "edge_weight.square().sum() - (b * pooled).sum() "
                    "+ (b * (gram @ b @ gram)).sum()",
                    "stands there twice",
                ),
                (
                    "edge_weight.square().sum() + 2 * (b * pooled).sum() "
                    "+ (b * (gram @ b @ gram)).sum()",
                    "the wrong sign",
                ),
                (
                    "edge_weight.sum() - 2 * (b * pooled).sum() "
                    "+ (b * (gram @ b @ gram)).sum()",
                    "not the weights",
                ),
                (
                    "len(edge_weight) - 2 * (b * pooled).sum() "
                    "+ (b * (gram @ b @ gram)).sum()",
                    "you count the edges",
                ),
                (
                    "edge_weight.square().sum() - 2 * (b * pooled).sum() "
                    "+ gram.square().sum()",
                    "the last term has no B",
                ),
                (
                    "edge_weight.square().sum() - 2 * (b * pooled).sum() "
                    "+ (gram @ b).square().sum()",
                    "is not ‖S B Sᵀ‖²",
                ),
                (
                    "edge_weight.square().sum() - 2 * (b * pooled).sum() "
                    "+ (b @ gram @ b @ gram).trace()",
                    "one B stands transposed",
                ),
                (
                    "(edge_weight.square().sum() - 2 * (b * pooled).sum() "
                    "+ (b * (gram @ b @ gram)).sum()).sqrt()",
                    "that is the norm",
                ),
                (
                    "edge_weight.square().sum() - 2 * pooled.trace() "
                    "+ gram.square().sum()",
                    "B is missing altogether",
                ),
                (
                    "edge_weight.square().sum() + (b * (gram @ b @ gram)).sum()",
                    "with G = SᵀS",
                ),
            )
        ),
    ],
}
