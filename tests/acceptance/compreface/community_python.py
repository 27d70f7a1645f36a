"""Every call of compreface-sdk-python 1.0.6, plain and asynchronous; as official_python.py."""

import asyncio
import base64
import inspect
import json
import sys
import tempfile
from pathlib import Path

from compare import CompareFace

plan = json.load(sys.stdin)
ann, ann_again, bob = plan["photographs"]
client = CompareFace(plan["domain"], int(plan["port"]))
keys = plan["keys"]


def encoded(path):
    return base64.b64encode(Path(path).read_bytes()).decode()


async def drive(recognition, detection, verification):
    async def call(function, *arguments, **options):
        answer = function(*arguments, **options)
        return await answer if inspect.isawaitable(answer) else answer

    async def size_of(function, image_id):
        with tempfile.TemporaryDirectory() as folder:
            saved = await call(function, image_id, f"{folder}/saved.jpg")
            return len(await asyncio.to_thread(Path(saved).read_bytes))

    answers = {}
    answers["subjects.add"] = await call(recognition.add_a_subject, "Ann")
    answers["subjects.add twice"] = await call(recognition.add_a_subject, "Ann")
    answers["subjects.update"] = await call(recognition.rename_a_subject, "Ann", "Ann Lee")
    answers["subjects.list"] = await call(recognition.list_all_subjects)
    answers["faces.add"] = await call(recognition.add_a_img, "Ann Lee", ann)
    answers["faces.add bytes"] = await call(recognition.add_a_img_by_64, "Bob", encoded(bob))
    answers["faces.add nothing"] = await call(recognition.add_a_img, "Nobody", plan["empty"])
    answers["faces.list"] = await call(recognition.list_saved_img_subject)
    answers["faces.list of Bob"] = await call(recognition.list_saved_img_subject, 0, 1, "Bob")
    image_id = answers["faces.add"]["image_id"]
    answers["sizes"] = [
        await size_of(recognition.download_a_img, image_id),
        await size_of(recognition.direct_download_img, image_id),
    ]
    wishes = {"face_plugins": "calculator, landmarks", "status": True}
    answers["recognize"] = await call(
        recognition.recognize, ann_again, prediction_count=2, **wishes
    )
    answers["recognize base64"] = await call(recognition.recognize_by_64, encoded(bob))
    answers["recognize cropped"] = await call(
        recognition.recognize, ann_again, detect_faces=False, face_plugins="landmarks,pose"
    )
    answers["faces.verify"] = await call(recognition.verify, ann_again, image_id)
    answers["faces.verify base64"] = await call(
        recognition.verify_by_64, encoded(ann_again), image_id, **wishes
    )
    answers["detect"] = await call(detection.detect, ann, **wishes)
    answers["detect base64"] = await call(detection.detect_by_64, encoded(ann), limit=1)
    answers["verify"] = await call(verification.verify, ann, ann_again, **wishes)
    answers["verify base64"] = await call(
        verification.verify_by_64, encoded(ann), encoded(bob), limit=1
    )
    answers["faces.delete"] = await call(recognition.delete_a_img, image_id)
    answers["faces.delete several"] = await call(
        recognition.delete_multiple_img, [answers["faces.add bytes"]["image_id"], image_id]
    )
    answers["faces.delete_all"] = await call(recognition.delete_saved_img_by_subject, "Bob")
    answers["subjects.delete"] = await call(recognition.delete_a_subject, "Ann Lee")
    await call(recognition.add_a_subject, "Carl")
    answers["subjects.delete_all"] = await call(recognition.delete_all_subjects)
    return answers


async def main():
    return [
        await drive(
            client.init_recognition_service(keys["recognition"]),
            client.init_detect_service(keys["detection"]),
            client.init_verify_service(keys["verify"]),
        ),
        await drive(
            client.init_async_recognition_service(keys["recognition"]),
            client.init_async_detect_service(keys["detection"]),
            client.init_async_verify_service(keys["verify"]),
        ),
    ]


json.dump(asyncio.run(main()), sys.stdout)
