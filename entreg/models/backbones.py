"""Any image classifier of timm, fitted to small images."""

from __future__ import annotations

import difflib
from typing import Any, Literal

from torch import Tensor, nn

from entreg.models.pretrained import fetch_weights

_TRANSFORMERS = ("vision_transformer", "deit")  # timm's modules whose networks take a patch size
_FEWEST_TOKENS = 49
_LARGEST_SMALL = 64  # pixels of an image that the small stem is for


class Timm(nn.Module):
    """A classifier of the timm library by its name, made for the channels, classes and size of the data.

    timm's networks expect 224 pixels. Up to 64 pixels ResNets get a 3x3 stem of stride 1 without max-pooling, as the
    field has it for small images; vision transformers get the largest patch that leaves at least 49 tokens (4 pixels at
    28 and 32, 32 at 224). No weights are downloaded unless asked for, and pretrained networks keep their stem and
    patch.

    Args:
        in_channels: channels of the images.
        num_classes: number of classes C.
        name: timm's name of the network, see ``timm.list_models()``.
        image_size: height and width of the images, for networks that have to know; default: the data's,
            else 28.
        pretrained: start from timm's weights, which it downloads unless a checkpoint takes their place.
        options: further arguments of :func:`timm.create_model`.
        stem: of a ResNet: ``small``, or ``large``, as timm has it; default: small up to 64 pixels, unless pretrained.

    Shape:
        images ``(N, in_channels, H, W)``; logits ``(N, C)``.

    Raises:
        ValueError: if timm is not installed, has no network of this name, or refuses an option.
    """

    def __init__(
        self,
        in_channels: int = 1,
        num_classes: int = 26,
        name: str = "resnet18",
        image_size: int | None = None,
        pretrained: bool = False,
        options: dict[str, Any] | None = None,
        stem: Literal["small", "large"] | None = None,
    ) -> None:
        super().__init__()
        try:
            import timm  # seconds to import, and optional
        except ModuleNotFoundError as error:
            raise ValueError(f"network {name!r} needs timm: pip install 'entreg[timm]'") from error
        if not timm.is_model(name):
            close = difflib.get_close_matches(name, timm.list_models(), n=3)
            hint = f"did you mean {', '.join(map(repr, close))}?" if close else "timm.list_models() names all"
            raise ValueError(f"timm has no network {name!r}, {hint}")
        sizes: dict[str, Any] = {}
        image_size = image_size or 28
        if any(name in timm.list_models(module=module) for module in _TRANSFORMERS):
            sizes = {"img_size": image_size}
            if not pretrained:
                sizes["patch_size"] = patch_size(image_size)
        self.model: Any = timm.create_model(
            name,
            pretrained=fetch_weights(pretrained),
            in_chans=in_channels,
            num_classes=num_classes,
            **sizes,
            **(options or {}),
        )
        small = image_size <= _LARGEST_SMALL and not pretrained if stem is None else stem == "small"
        if isinstance(self.model, timm.models.ResNet) and small:
            _set_small_stem(self.model, in_channels)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits."""
        return self.model(image)


def _set_small_stem(resnet: Any, in_channels: int) -> None:
    resnet.conv1 = nn.Conv2d(in_channels, resnet.bn1.num_features, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(resnet.conv1.weight, mode="fan_out", nonlinearity="relu")
    resnet.maxpool = nn.Identity()


def patch_size(image_size: int) -> int:
    """Return the largest side of a square patch that divides the image into at least 49 patches.

    Example:
        >>> [patch_size(size) for size in (28, 32, 64, 224)]
        [4, 4, 8, 32]
    """
    sides = (side for side in range(image_size, 0, -1) if image_size % side == 0)
    return next((side for side in sides if (image_size // side) ** 2 >= _FEWEST_TOKENS), 1)
