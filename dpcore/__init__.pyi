from dpcore import graphs as graphs
from dpcore import layers as layers
from dpcore import models as models
from dpcore import pooling as pooling
from dpcore import training as training
from dpcore.data import synthetic as synthetic
from dpcore.data.datasets import DatasetCorrupt as DatasetCorrupt
from dpcore.data.datasets import DatasetUnavailable as DatasetUnavailable
from dpcore.data.datasets import GraphDataset as GraphDataset
from dpcore.data.datasets import load_dataset as load_dataset
from dpcore.experiments import tables as tables
from dpcore.graphs import DenseGraphs as DenseGraphs
from dpcore.graphs import SparseGraphs as SparseGraphs
from dpcore.layers import GNN as GNN
from dpcore.models import build_model as build_model
from dpcore.pooling import DiffPool as DiffPool
from dpcore.pooling import Pooled as Pooled
from dpcore.pooling import diff_pool as diff_pool
from dpcore.pooling import lift as lift
from dpcore.pooling import sparse_diff_pool as sparse_diff_pool
from dpcore.saved import load_model as load_model
from dpcore.saved import save_model as save_model
from dpcore.teaching import exercises as exercises
from dpcore.teaching import plots as plots
from dpcore.training import cross_validate as cross_validate
from dpcore.training import evaluate as evaluate
from dpcore.training import fit as fit

__version__: str

def versions() -> str: ...
