// The calls of @exadel/compreface-js-sdk 1.0.0 with a Blob, which needs what a browser has: jsdom's
// FormData, Blob and XMLHttpRequest, with its preflights, on a page of another origin.
import fs from "fs";
import { register } from "module";
import { JSDOM } from "jsdom";

const { window } = new JSDOM("", { url: "http://page.example/" });
const { Blob, FormData, XMLHttpRequest, document, navigator } = window;
for (const [name, value] of Object.entries({
  window, self: window, document, navigator, Blob, FormData, XMLHttpRequest,
})) {
  // Newer versions of Node have some of these, read-only.
  Object.defineProperty(globalThis, name, { value, configurable: true });
}
register("./browser_hooks.mjs", import.meta.url);
const { CompreFace } = await import("@exadel/compreface-js-sdk");

const plan = JSON.parse(fs.readFileSync(0, "utf8"));
const [ann, annAgain, bob] = plan.photographs.map(
  (file) => new Blob([new Uint8Array(fs.readFileSync(file))], { type: "image/jpeg" }),
);
const client = new CompreFace(plan.domain, plan.port, { face_plugins: "calculator,landmarks" });
const recognition = client.initFaceRecognitionService(plan.keys.recognition);
const detection = client.initFaceDetectionService(plan.keys.detection);
const verification = client.initFaceVerificationService(plan.keys.verify);
const faces = () => recognition.getFaceCollection();
const answers = {};

answers["faces.add"] = await faces().add(ann, "Ann Lee", {});
answers["recognize"] = await recognition.recognize(annAgain, { limit: 1 });
answers["faces.verify"] = await faces().verify(annAgain, answers["faces.add"].image_id, {});
answers["detect"] = await detection.detect(bob, { limit: 1 });
answers["verify"] = await verification.verify(ann, annAgain, {});
answers["verify others"] = await verification.verify(ann, bob, {});
window.close();
process.stdout.write(JSON.stringify(answers));
