"""Every call of compreface-sdk 0.6.0; a plan comes on standard input, the answers go out."""

import json
import sys
from pathlib import Path

from compreface import CompreFace

plan = json.load(sys.stdin)
ann, ann_again, bob = plan["photographs"]
answers = {}

options = {"limit": 0, "det_prob_threshold": 0.8, "prediction_count": 2, "status": "true"}
plugins = {**options, "face_plugins": "calculator,landmarks,age,gender,mask"}
client = CompreFace(plan["domain"], plan["port"], plugins)
recognition = client.init_face_recognition(plan["keys"]["recognition"])
detection = client.init_face_detection(plan["keys"]["detection"])
verification = client.init_face_verification(plan["keys"]["verify"])
plain = CompreFace(plan["domain"], plan["port"])
faces, subjects = recognition.get_face_collection(), recognition.get_subjects()

answers["subjects.add"] = subjects.add("Ann")
answers["subjects.add twice"] = subjects.add("Ann")
answers["subjects.update"] = subjects.update("Ann", "Ann Lee")
answers["subjects.list"] = subjects.list()
answers["faces.add"] = faces.add(ann, "Ann Lee")
answers["faces.add bytes"] = faces.add(Path(bob).read_bytes(), "Bob", {"det_prob_threshold": 0.9})
answers["faces.add nothing"] = faces.add(plan["empty"], "Nobody")
answers["faces.list"] = faces.list()
answers["recognize"] = recognition.recognize(ann_again)
answers["recognize bytes"] = recognition.recognize(Path(ann_again).read_bytes(), {"limit": 1})
answers["recognize without options"] = plain.init_face_recognition(
    plan["keys"]["recognition"]
).recognize(bob)
answers["recognize with True"] = recognition.recognize(bob, {"status": True})
image_id = answers["faces.add"]["image_id"]
answers["faces.verify"] = faces.verify(ann_again, image_id)
answers["faces.verify with options"] = faces.verify(ann_again, image_id, {"limit": 1})
answers["detect"] = detection.detect(ann)
answers["detect with options"] = detection.detect(ann, {"face_plugins": "landmarks"})
answers["verify"] = verification.verify(ann, ann_again)
answers["verify with options"] = verification.verify(ann, bob, {"limit": 1})
answers["faces.delete"] = faces.delete(image_id)
answers["faces.delete twice"] = faces.delete(image_id)
answers["faces.delete_all"] = faces.delete_all("Bob")
answers["subjects.delete"] = subjects.delete("Ann Lee")
answers["subjects.delete twice"] = subjects.delete("Ann Lee")
subjects.add("Carl")
answers["subjects.delete_all"] = subjects.delete_all()
json.dump(answers, sys.stdout)
