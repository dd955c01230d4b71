from __future__ import annotations

import pytest
from jsonargparse import Namespace

from entreg.cli.naming import default_name

EMNIST, IMAGES = "entreg.data.EMNIST", "entreg.data.ImageFolder"
VGG = Namespace(class_path="entreg.models.VGG5", init_args=Namespace(dropout=0.5))
TIMM = Namespace(class_path="entreg.models.Timm", init_args=Namespace(name="resnet18"))


@pytest.mark.parametrize(
    ("data", "args", "net", "loss", "name"),
    [
        (EMNIST, {"split": "letters"}, VGG, "entreg.losses.MixEntLoss", "letters-vgg5-mix_ent-s3"),
        (EMNIST, {"split": "mnist"}, TIMM, "entreg.losses.MAELoss", "emnist-mnist-resnet18-mae-s3"),
        (IMAGES, {"root": "x"}, "my_nets.Linear", "my_losses.my_loss", "imagefolder-linear-my-s3"),
        ("my_data.Digits", {}, VGG, "my_losses.MAXEntLoss", "digits-vgg5-max_ent-s3"),
    ],
)
def test_a_run_is_called_after_what_it_is(data: str, args: dict[str, str], net: object, loss: str, name: str) -> None:
    model = Namespace(net=net, loss=Namespace(class_path=loss))
    data_config = Namespace(class_path=data, init_args=Namespace(**args))
    assert default_name(Namespace(model=model, data=data_config, seed_everything=3)) == name
