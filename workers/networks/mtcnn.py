"""The three networks of MTCNN.

Paper: Zhang et al. 2016, "Joint Face Detection and Alignment using Multitask Cascaded
Convolutional Networks", figure 2. The layers and their names are those of the published weights
(facenet-pytorch 2.5.3, MIT; ported from davidsandberg/facenet, MIT). What differs: each network
returns the difference of its two class logits, whose logistic is the face probability, because a
probability near 1 loses its order in low precision.

Convention: input is RGB, ``(x - 127.5) / 128``, channels first, and a fourth channel, because four
values are what the sampling of images moves at once; outputs keep the weights' order, regressions
as (x_min, y_min, x_max, y_max) and landmarks as five x followed by five y.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class _ProposalLayers(nn.Module):
    """The layers of the proposal network."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 10, 3)
        self.prelu1 = nn.PReLU(10)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(10, 16, 3)
        self.prelu2 = nn.PReLU(16)
        self.conv3 = nn.Conv2d(16, 32, 3)
        self.prelu3 = nn.PReLU(32)
        self.conv4_1 = nn.Conv2d(32, 2, 1)
        self.conv4_2 = nn.Conv2d(32, 4, 1)

    def _features(self, x: Float[Tensor, "n 10 h w"]) -> Float[Tensor, "n 32 rows columns"]:
        x = self.prelu2(self.conv2(self.pool1(x)))
        return self.prelu3(self.conv3(x))


class PNet(_ProposalLayers):
    """Proposal network: convolutional, so that every 12x12 window of an image is judged."""

    def forward(self, x: Float[Tensor, "n 4 h w"]) -> Float[Tensor, "n rows columns"]:
        """Return the face logit of each window, at a stride of two."""
        return _logit(self.conv4_1(self._features(self.prelu1(_of_colours(self.conv1, x)))))


class PNetWindow(_ProposalLayers):
    """The proposal network for single 12x12 windows, some of which reach beyond their image.

    Where an image's side is odd, the pooling looks at one column or row beyond it, which the
    published network, run on that image alone, does not have; the fourth channel takes it out of
    sight.
    """

    #: Value of the fourth channel at (y, x) that hides the window of 3x3 which begins there.
    HIDDEN = -1e4

    def forward(
        self, x: Float[Tensor, "n 4 12 12"]
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 4"]]:
        """Return the face logit and the box regression of each window.

        The fourth channel is 0, or ``HIDDEN``.
        """
        hidden = x[:, 3:, :-2, :-2]
        x = self._features(self.prelu1(_of_colours(self.conv1, x)) + hidden)
        return _logit(self.conv4_1(x))[:, 0, 0], self.conv4_2(x)[:, :, 0, 0]


class RNet(nn.Module):
    """Refinement network for 24x24 crops."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 28, 3)
        self.prelu1 = nn.PReLU(28)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(28, 48, 3)
        self.prelu2 = nn.PReLU(48)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3 = nn.Conv2d(48, 64, 2)
        self.prelu3 = nn.PReLU(64)
        self.dense4 = nn.Linear(576, 128)
        self.prelu4 = nn.PReLU(128)
        self.dense5_1 = nn.Linear(128, 2)
        self.dense5_2 = nn.Linear(128, 4)

    def forward(
        self, x: Float[Tensor, "n 4 24 24"]
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 4"]]:
        """Return the face logit and the box regression of each crop."""
        x = self.pool1(self.prelu1(_of_colours(self.conv1, x)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.prelu3(self.conv3(x))
        x = self.prelu4(self.dense4(_flatten_width_first(x)))
        return _logit(self.dense5_1(x)), self.dense5_2(x)


class ONet(nn.Module):
    """Output network for 48x48 crops, which also places the five landmarks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3)
        self.prelu1 = nn.PReLU(32)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.prelu2 = nn.PReLU(64)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3 = nn.Conv2d(64, 64, 3)
        self.prelu3 = nn.PReLU(64)
        self.pool3 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv4 = nn.Conv2d(64, 128, 2)
        self.prelu4 = nn.PReLU(128)
        self.dense5 = nn.Linear(1152, 256)
        self.prelu5 = nn.PReLU(256)
        self.dense6_1 = nn.Linear(256, 2)
        self.dense6_2 = nn.Linear(256, 4)
        self.dense6_3 = nn.Linear(256, 10)

    def forward(
        self, x: Float[Tensor, "n 4 48 48"]
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 4"], Float[Tensor, "n 10"]]:
        """Return the face logit, the box regression and the landmarks of each crop."""
        x = self.pool1(self.prelu1(_of_colours(self.conv1, x)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.pool3(self.prelu3(self.conv3(x)))
        x = self.prelu4(self.conv4(x))
        x = self.prelu5(self.dense5(_flatten_width_first(x)))
        return _logit(self.dense6_1(x)), self.dense6_2(x), self.dense6_3(x)


def _of_colours(
    first: nn.Conv2d, x: Float[Tensor, "n 4 h w"]
) -> Float[Tensor, "n filters rows columns"]:
    """Run a first layer on three of four channels: a weight of zero is cheaper than copying."""
    return functional.conv2d(x, functional.pad(first.weight, (0, 0, 0, 0, 0, 1)), first.bias)


def _logit(two_classes: Float[Tensor, "n 2 ..."]) -> Float[Tensor, "n ..."]:
    return two_classes[:, 1] - two_classes[:, 0]


def _flatten_width_first(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n features"]:
    """Flatten as the original column-major weights expect: width, height, channel."""
    return torch.flatten(x.permute(0, 3, 2, 1), start_dim=1)
