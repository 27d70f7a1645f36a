from __future__ import annotations

import subprocess
import sys


def test_the_web_application_loads_no_model_code_and_no_image_library():
    program = (
        "import sys, app.factory, app.bootstrap; "
        "print(*{'torch', 'openvino', 'sklearn', 'workers', 'tasks', 'PIL'} & sys.modules.keys())"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []


def test_an_inference_worker_starts_without_what_only_a_training_needs():
    program = (
        "import sys, tasks.infer, tasks.runtime, workers.registry; "
        "print(*{'torch', 'sklearn', 'scipy', 'flask'} & sys.modules.keys())"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []
