"""Settings of all tests: one thread, so that tests beside other work do not wait."""

import torch

torch.set_num_threads(1)
