"""Make a network by the name that the manifest uses."""

from torch import nn

from workers.networks.inception_resnet_v1 import InceptionResnetV1
from workers.networks.mtcnn import ONet, PNet, PNetWindow, RNet

_DETECTION_NETWORKS: dict[str, type[nn.Module]] = {
    "pnet": PNet,
    "pnet-window": PNetWindow,
    "rnet": RNet,
    "onet": ONet,
}


def build_network(name: str, *, dimension: int | None) -> nn.Module:
    """Return an untrained network; ``dimension`` is for embedding networks.

    Raises: ValueError: there is no such network, or an embedding network has no dimension.
    """
    if name in _DETECTION_NETWORKS:
        return _DETECTION_NETWORKS[name]()
    if name == "inception-resnet-v1" and dimension is not None:
        return InceptionResnetV1(dimension)
    raise ValueError(f'There is no network "{name}" with the dimension {dimension}.')
