"""Inception-ResNet-v1, the embedding network of FaceNet.

Papers: Szegedy et al. 2016, "Inception-v4, Inception-ResNet and the Impact of Residual
Connections on Learning", section 3 and figure 14; trained after Schroff et al. 2015, "FaceNet".
Original code: davidsandberg/facenet ``src/models/inception_resnet_v1.py`` (MIT). Layer names are
those of facenet-pytorch 2.5.3 (MIT), whose checkpoints therefore load strictly. What differs: the
classifier head and the dropout of the training are left out.

Residual scales 0.17, 0.10 and 0.20 are those of the trained models; batch normalisation uses
TensorFlow-Slim's epsilon of 0.001.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

_EPSILON = 0.001


class BasicConv2d(nn.Module):
    """Convolution without bias, batch normalisation, ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int | tuple[int, int],
        *,
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=_EPSILON)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c2 h2 w2"]:
        """Apply the three in order."""
        return torch.relu(self.bn(self.conv(x)))


class ResidualBlock(nn.Module):
    """Parallel branches, joined, projected, scaled and added to their input."""

    def __init__(
        self, branches: list[nn.Module], joined: int, outputs: int, *, scale: float, relu: bool
    ) -> None:
        super().__init__()
        self.branches = len(branches)
        for number, branch in enumerate(branches):
            self.add_module(f"branch{number}", branch)
        self.conv2d = nn.Conv2d(joined, outputs, 1)
        self.scale = scale
        self.relu = relu

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Return input plus scaled residual, rectified unless the block is the last one."""
        parts = [self.get_submodule(f"branch{number}")(x) for number in range(self.branches)]
        x = x + self.scale * self.conv2d(torch.cat(parts, dim=1))
        return torch.relu(x) if self.relu else x


class ReductionBlock(nn.Module):
    """Parallel branches of stride two, the last one a pooling, joined."""

    def __init__(self, branches: list[nn.Module]) -> None:
        super().__init__()
        self.branches = len(branches) + 1
        for number, branch in enumerate([*branches, nn.MaxPool2d(3, stride=2)]):
            self.add_module(f"branch{number}", branch)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c2 h2 w2"]:
        """Return the branches' outputs side by side."""
        parts = [self.get_submodule(f"branch{number}")(x) for number in range(self.branches)]
        return torch.cat(parts, dim=1)


def _block35() -> ResidualBlock:
    branches: list[nn.Module] = [
        BasicConv2d(256, 32, 1),
        nn.Sequential(BasicConv2d(256, 32, 1), BasicConv2d(32, 32, 3, padding=1)),
        nn.Sequential(
            BasicConv2d(256, 32, 1),
            BasicConv2d(32, 32, 3, padding=1),
            BasicConv2d(32, 32, 3, padding=1),
        ),
    ]
    return ResidualBlock(branches, 96, 256, scale=0.17, relu=True)


def _block17() -> ResidualBlock:
    branches: list[nn.Module] = [
        BasicConv2d(896, 128, 1),
        nn.Sequential(
            BasicConv2d(896, 128, 1),
            BasicConv2d(128, 128, (1, 7), padding=(0, 3)),
            BasicConv2d(128, 128, (7, 1), padding=(3, 0)),
        ),
    ]
    return ResidualBlock(branches, 256, 896, scale=0.10, relu=True)


def _block8(*, scale: float = 0.20, relu: bool = True) -> ResidualBlock:
    branches: list[nn.Module] = [
        BasicConv2d(1792, 192, 1),
        nn.Sequential(
            BasicConv2d(1792, 192, 1),
            BasicConv2d(192, 192, (1, 3), padding=(0, 1)),
            BasicConv2d(192, 192, (3, 1), padding=(1, 0)),
        ),
    ]
    return ResidualBlock(branches, 384, 1792, scale=scale, relu=relu)


def _mixed_6a() -> ReductionBlock:
    return ReductionBlock(
        [
            BasicConv2d(256, 384, 3, stride=2),
            nn.Sequential(
                BasicConv2d(256, 192, 1),
                BasicConv2d(192, 192, 3, padding=1),
                BasicConv2d(192, 256, 3, stride=2),
            ),
        ]
    )


def _mixed_7a() -> ReductionBlock:
    return ReductionBlock(
        [
            nn.Sequential(BasicConv2d(896, 256, 1), BasicConv2d(256, 384, 3, stride=2)),
            nn.Sequential(BasicConv2d(896, 256, 1), BasicConv2d(256, 256, 3, stride=2)),
            nn.Sequential(
                BasicConv2d(896, 256, 1),
                BasicConv2d(256, 256, 3, padding=1),
                BasicConv2d(256, 256, 3, stride=2),
            ),
        ]
    )


class InceptionResnetV1(nn.Module):
    """Map 160x160 faces to embeddings of ``dimension`` values, not yet L2-normalised."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.conv2d_1a = BasicConv2d(3, 32, 3, stride=2)
        self.conv2d_2a = BasicConv2d(32, 32, 3)
        self.conv2d_2b = BasicConv2d(32, 64, 3, padding=1)
        self.maxpool_3a = nn.MaxPool2d(3, stride=2)
        self.conv2d_3b = BasicConv2d(64, 80, 1)
        self.conv2d_4a = BasicConv2d(80, 192, 3)
        self.conv2d_4b = BasicConv2d(192, 256, 3, stride=2)
        self.repeat_1 = nn.Sequential(*(_block35() for _ in range(5)))
        self.mixed_6a = _mixed_6a()
        self.repeat_2 = nn.Sequential(*(_block17() for _ in range(10)))
        self.mixed_7a = _mixed_7a()
        self.repeat_3 = nn.Sequential(*(_block8() for _ in range(5)))
        self.block8 = _block8(scale=1.0, relu=False)
        self.last_linear = nn.Linear(1792, dimension, bias=False)
        self.last_bn = nn.BatchNorm1d(dimension, eps=_EPSILON)

    def forward(self, x: Float[Tensor, "n 3 160 160"]) -> Float[Tensor, "n dimension"]:
        """Return one vector for each preprocessed RGB face."""
        x = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x)))
        x = self.conv2d_3b(self.maxpool_3a(x))
        x = self.repeat_1(self.conv2d_4b(self.conv2d_4a(x)))
        x = self.repeat_2(self.mixed_6a(x))
        x = self.repeat_3(self.mixed_7a(x))
        x = self.block8(x)
        return self.last_bn(self.last_linear(x.mean(dim=(2, 3))))
