import pytest
import torch

from workers.engines.torch_modules import load_module
from workers.networks.inception_resnet_v1 import InceptionResnetV1


@pytest.mark.parametrize(
    ("weights_id", "side"), [("pnet", 61), ("pnet-window", 12), ("rnet", 24), ("onet", 48)]
)
def test_detection_network_equals_the_reference(facenet_pytorch, weights_dir, weights_id, side):
    reference = getattr(facenet_pytorch.models.mtcnn, f"{weights_id[0].upper()}Net")()
    images = torch.randn(3, 3, side, side, generator=torch.Generator().manual_seed(0))
    nothing_hidden = torch.zeros(3, side, side, 1)
    inputs = torch.cat([images.permute(0, 2, 3, 1), nothing_hidden], dim=3)

    with torch.inference_mode():
        logits, *regressions = load_module(weights_dir, weights_id)(inputs)
        *expected_regressions, probabilities = reference(images)

    expected = probabilities[:, 1]
    torch.testing.assert_close(torch.sigmoid(logits), expected.reshape(logits.shape))
    for found, wanted in zip(regressions, expected_regressions, strict=False):
        torch.testing.assert_close(found, wanted.reshape(found.shape))
    assert len(regressions) == (0 if weights_id == "pnet" else len(expected_regressions))


def test_embedding_network_loads_the_reference_strictly_and_equals_it(facenet_pytorch):
    reference = facenet_pytorch.InceptionResnetV1().eval()
    for module in reference.modules():  # statistics as after training, so that order matters
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    ours = InceptionResnetV1(512)
    ours.load_state_dict(reference.state_dict(), strict=True)
    faces = torch.randn(2, 3, 160, 160, generator=torch.Generator().manual_seed(0))

    with torch.inference_mode():
        vectors = torch.nn.functional.normalize(ours.eval()(faces))

        torch.testing.assert_close(vectors, reference(faces))
