"""From verified weights to a torch module that takes images as they lie in memory."""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from app.catalogue.manifest import WeightsEntry, read_manifest
from app.domain.errors import WeightsError
from workers.networks.build import build_network
from workers.weights.store import load_arrays


class ChannelsLast(nn.Module):
    """A network fed with height x width x channels."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Float[Tensor, "n h w channels"]) -> tuple[Tensor, ...]:
        """Return the network's outputs as a tuple, also where there is only one."""
        outputs = self.network(x.permute(0, 3, 1, 2))
        return outputs if isinstance(outputs, tuple) else (outputs,)


def load_state(entry: WeightsEntry, state: dict[str, Tensor]) -> nn.Module:
    """Return the entry's network in evaluation mode, holding exactly these arrays.

    Raises: WeightsError: names or shapes differ from the network's.
    """
    network = build_network(entry.network, dimension=entry.dimension)
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise WeightsError(f"{entry.id} does not fit its network ({error}).") from error
    return network.eval().requires_grad_(requires_grad=False)


def load_module(weights_dir: Path, weights_id: str) -> ChannelsLast:
    """Return a network with its verified weights."""
    entry = read_manifest(weights_dir).entry(weights_id)
    arrays = load_arrays(weights_dir, weights_id)
    state = {name: torch.from_numpy(values) for name, values in arrays.items()}
    return ChannelsLast(load_state(entry, state)).eval()
