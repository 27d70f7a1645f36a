// Every call of @exadel/compreface-js-sdk 1.0.0; as official_python.py.
import fs from "fs";
import path from "path";
import { CompreFace } from "@exadel/compreface-js-sdk";

const plan = JSON.parse(fs.readFileSync(0, "utf8"));
const [ann, annAgain, bob] = plan.photographs;
const near = (file) => "./" + path.relative(process.cwd(), file);
const encoded = (file) => fs.readFileSync(file).toString("base64");
const answers = {};

async function record(name, promise) {
  try {
    answers[name] = await promise;
  } catch (error) {
    if (!error.response) throw error;
    answers[name] = error.response.data;
  }
  return answers[name];
}

const client = new CompreFace(plan.domain, plan.port, {
  det_prob_threshold: 0.8,
  face_plugins: "calculator,landmarks",
});
const recognition = client.initFaceRecognitionService(plan.keys.recognition);
const detection = client.initFaceDetectionService(plan.keys.detection);
const verification = client.initFaceVerificationService(plan.keys.verify);
// A set of functions keeps the URL of its last call, so each call takes a new one.
const faces = () => recognition.getFaceCollection();
const subjects = () => recognition.getSubjects();

await record("subjects.add", subjects().add("Ann"));
await record("subjects.add twice", subjects().add("Ann"));
await record("subjects.update", subjects().rename("Ann", "Ann Lee"));
await record("subjects.list", subjects().list());
const { image_id } = await record("faces.add", faces().add(near(ann), "Ann Lee", {}));
const second = await record("faces.add bytes", faces().add(encoded(bob), "Bob", {}));
await record("faces.add url", faces().add(plan.url, "Bob", {}));
await record("faces.add nothing", faces().add(near(plan.empty), "Nobody", {}));
await record("faces.list", faces().list());
await record("recognize", recognition.recognize(near(annAgain), { prediction_count: 2, status: true }));
await record("recognize base64", recognition.recognize(encoded(bob), { limit: 1 }));
await record("recognize url", recognition.recognize(plan.url, {}));
await record("faces.verify", faces().verify(near(annAgain), image_id, { limit: 1, status: true }));
await record("faces.verify base64", faces().verify(encoded(annAgain), image_id, {}));
await record("detect", detection.detect(near(ann), { limit: 1, status: true }));
await record("detect base64", detection.detect(encoded(ann), {}));
await record("verify", verification.verify(near(ann), near(annAgain), { status: true }));
await record("verify base64", verification.verify(encoded(ann), encoded(bob), { limit: 1 }));
await record("verify url", verification.verify(plan.url, plan.url, {}));
await record("verify url and path", verification.verify(plan.url, near(ann), {}));
await record("faces.delete", faces().delete(image_id));
await record("faces.delete twice", faces().delete(image_id));
await record("faces.delete several", faces().delete_multiple_images([second.image_id, image_id]));
await record("faces.delete_all", faces().delete_all_subject("Bob"));
await record("subjects.delete", subjects().delete("Ann Lee"));
await record("faces.delete everything", faces().delete_all());
await subjects().add("Carl");
await record("subjects.delete_all", subjects().deleteAll());
process.stdout.write(JSON.stringify(answers));
