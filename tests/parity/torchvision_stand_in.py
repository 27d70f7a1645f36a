"""The two functions of torchvision that facenet-pytorch calls, where torchvision cannot be used."""

from types import ModuleType

import numpy as np
import torch


def modules() -> dict[str, ModuleType]:
    """Return what to put into ``sys.modules``."""
    names = ("", ".transforms", ".transforms.functional", ".ops", ".ops.boxes")
    made = {f"torchvision{name}": ModuleType(f"torchvision{name}") for name in names}
    for name, module in made.items():
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(made[parent], child, module)
    made["torchvision.transforms.functional"].to_tensor = to_tensor
    made["torchvision.ops.boxes"].batched_nms = batched_nms
    return made


def to_tensor(image):
    """Put channels first, as torchvision does with an array of floats."""
    return torch.from_numpy(image).permute(2, 0, 1).contiguous()


def batched_nms(boxes, scores, groups, threshold):
    """Suppress within each group; of equal scores the first survives."""
    order = torch.sort(scores, descending=True, stable=True).indices.numpy()
    corners, groups = boxes.numpy(), groups.numpy()
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        low = np.maximum(corners[best, :2], corners[rest, :2])
        high = np.minimum(corners[best, 2:], corners[rest, 2:])
        shared = np.maximum(high - low, 0).prod(axis=1)
        overlap = shared / (areas[best] + areas[rest] - shared)
        order = rest[(overlap <= threshold) | (groups[rest] != groups[best])]
    return torch.tensor(kept, dtype=torch.int64)
