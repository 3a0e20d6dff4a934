"""A saved model is the model; any other file is refused, and the reason is told."""

import json
import os
import pickle

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import dpcore
from dpcore.models import MODELS

SIZES = dict(num_features=3, num_classes=2, max_nodes=12, hidden=8)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    pairs = torch.tensor([[0, 1, 2, 3, 5, 6, 7, 8], [1, 2, 3, 4, 6, 7, 8, 9]])
    edges = torch.cat([pairs, pairs.flip(0)], dim=1)
    x = torch.rand(10, 3, generator=generator)
    owner = torch.arange(2).repeat_interleave(5)
    return dpcore.SparseGraphs.from_edge_index(x, edges, owner, y=torch.tensor([0, 1]))


def rewritten(path, weights=None, metadata=None):
    """The file once more, with other tensors or other metadata."""
    with safe_open(str(path), "pt") as file:
        old, about = {k: file.get_tensor(k) for k in file.keys()}, file.metadata()
    save_file(weights or old, path, metadata if metadata is not None else about)
    return path


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_as_it_was(name, batch, tmp_path):
    torch.manual_seed(1)
    model = dpcore.build_model(name, **SIZES)
    model.train()(batch)  # running statistics, where there are any, move
    file = dpcore.save_model(tmp_path / "m.safetensors", model, note="näheres")
    state = torch.get_rng_state()
    again = dpcore.load_model(file)
    assert torch.equal(torch.get_rng_state(), state)  # no random number was drawn
    assert type(again) is type(model) and not again.training
    assert again.recipe == model.recipe and again.note == "näheres"
    assert torch.equal(again(batch).logits, model.eval()(batch).logits)
    assert os.listdir(tmp_path) == ["m.safetensors"]


def test_settings_that_change_no_weight_come_back(batch, tmp_path):
    own = dict(ratio=0.5, per_graph=True, self_loops="replace", dropout=0.25)
    model = dpcore.build_model("diffpool-nolp", **SIZES, levels=1, **own).eval()
    again = dpcore.load_model(dpcore.save_model(tmp_path / "m", model))
    assert (again.ratio, again.link_weight) == (0.5, 0.0)
    assert again.levels[0].embed.dropout == 0.25
    assert torch.equal(again(batch).logits, model(batch).logits)


def test_a_loaded_model_trains_on_and_keeps_its_precision(batch, tmp_path):
    model = dpcore.build_model("gin", **SIZES)
    again = dpcore.load_model(dpcore.save_model(tmp_path / "m", model))
    dpcore.fit(again, batch, epochs=1, progress=False)
    assert again.training
    assert not torch.equal(next(again.parameters()), next(model.parameters()))
    double = dpcore.load_model(dpcore.save_model(tmp_path / "d", model.double()))
    assert {p.dtype for p in double.parameters()} == {torch.float64}


def test_the_file_is_tensors_and_text(tmp_path):
    model = dpcore.build_model("mlp", **SIZES)
    file = dpcore.save_model(tmp_path / "m", model, note="MUTAG, 3 epochs")
    with safe_open(str(file), "pt") as opened:
        about = json.loads(opened.metadata()["dpcore"])
        assert set(opened.keys()) == set(model.state_dict())
    assert about == {
        "format": 1,
        "recipe": {"name": "mlp", "dropout": 0.6, **SIZES},
        "note": "MUTAG, 3 epochs",
    }


def test_what_cannot_be_saved(tmp_path, monkeypatch):
    model = dpcore.build_model("mlp", **SIZES)
    with pytest.raises(ValueError, match="Linear without a recipe"):
        dpcore.save_model(tmp_path / "m", torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match="note is a dict"):
        dpcore.save_model(tmp_path / "m", model, note={})
    with pytest.raises(FileNotFoundError):
        dpcore.save_model(tmp_path / "nowhere" / "m", model)
    file = dpcore.save_model(tmp_path / "m", model, note="first")
    model.head[2] = torch.nn.Linear(8, 5)
    with pytest.raises(ValueError, match=r"head.2.bias is \[5\] floats, .*\[2\]"):
        dpcore.save_model(file, model)

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        dpcore.save_model(file, dpcore.build_model("mlp", **SIZES), note="second")
    assert os.listdir(tmp_path) == ["m"] and dpcore.load_model(file).note == "first"


def test_files_that_are_no_saved_model(tmp_path):
    file = dpcore.save_model(tmp_path / "m", dpcore.build_model("mlp", **SIZES))
    whole = file.read_bytes()
    bad = tmp_path / "bad"
    for content in (b"", whole[:100], whole[:-1], pickle.dumps({"a": 1}) * 9):
        bad.write_bytes(content)
        with pytest.raises(ValueError, match="bad: not a whole safetensors file"):
            dpcore.load_model(bad)
    with pytest.raises(FileNotFoundError, match="missing"):
        dpcore.load_model(tmp_path / "missing")
    with pytest.raises(OSError, match=tmp_path.name):
        dpcore.load_model(tmp_path)
    save_file({"a": torch.ones(2)}, bad)
    with pytest.raises(ValueError, match="bad: holds no model of dpcore"):
        dpcore.load_model(bad)


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ("{", "metadata are damaged"),
        ("[]", "metadata are damaged"),
        ('{"format": 1, "recipe": 3, "note": ""}', "metadata are damaged"),
        ('{"format": 2, "recipe": {}, "note": ""}', "format 2, this dpcore reads 1"),
        ('{"format": 0, "recipe": {}, "note": ""}', "format 0, this dpcore reads 1"),
        ('{"format": 1, "recipe": {"name": "mlp"}, "note": ""}', "builds? no model"),
    ],
)
def test_metadata_that_lie(about, message, tmp_path):
    file = dpcore.save_model(tmp_path / "m", dpcore.build_model("mlp", **SIZES))
    with pytest.raises(ValueError, match=f"m: .*{message}"):
        dpcore.load_model(rewritten(file, metadata={"dpcore": about}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(name="nope"), "name is 'nope'"),
        (dict(depth=3), "does not take these settings"),
        (dict(hidden="8"), "builds? no model"),
        (dict(name="gcn-mean"), "is not there, its settings ask for"),
        (dict(num_classes=3), r"head.2.bias is \[2\] floats, .*\[3\] floats"),
    ],
)
def test_settings_that_do_not_fit(change, message, tmp_path):
    file = dpcore.save_model(tmp_path / "m", dpcore.build_model("mlp", **SIZES))
    recipe = {"name": "mlp", **SIZES} | change
    about = json.dumps({"format": 1, "recipe": recipe, "note": ""})
    with pytest.raises(ValueError, match=message):
        dpcore.load_model(rewritten(file, metadata={"dpcore": about}))


def test_weights_of_another_kind(tmp_path):
    model = dpcore.build_model("mlp", **SIZES)
    file = dpcore.save_model(tmp_path / "m", model)
    weights = {key: value.long() for key, value in model.state_dict().items()}
    with pytest.raises(ValueError, match="integers, its settings ask for .* floats"):
        dpcore.load_model(rewritten(file, weights))
    weights = model.state_dict() | {"more": torch.ones(2)}
    with pytest.raises(ValueError, match="more is .* ask for not there"):
        dpcore.load_model(rewritten(file, weights))


def test_weights_that_lie_transposed_in_memory_are_kept(tmp_path):
    model = dpcore.build_model("mlp", num_features=3, num_classes=2, hidden=4)
    weight = model.head[0].weight
    weight.data = torch.arange(16.0).view(4, 4).T
    again = dpcore.load_model(dpcore.save_model(tmp_path / "a.safetensors", model))
    assert torch.equal(again.head[0].weight, weight) and not weight.is_contiguous()


def test_a_note_comes_back_to_the_last_space(tmp_path):
    note = "  classes: a, b \n\n"
    model = dpcore.build_model("mlp", num_features=3, num_classes=2, hidden=4)
    path = dpcore.save_model(tmp_path / "m.safetensors", model, note=note)
    assert dpcore.load_model(path).note == note
