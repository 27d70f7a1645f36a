// Enrol one person and recognise two photographs, by the generated TypeScript client.

import { createCollection, createFace, createRecognition, getJob } from "./client";
import { createClient, createConfig } from "./client/client";

export interface Plan {
  base_url: string;
  key: string;
  enrol: string[];
  recognise: string[];
}

export async function recognise(plan: Plan) {
  const client = createClient(createConfig({ baseUrl: plan.base_url, auth: () => plan.key }));
  const options = { client, throwOnError: true } as const;

  const { data: collection } = await createCollection({
    ...options,
    body: { name: `ts ${crypto.randomUUID()}` },
  });
  const { data: enrolment } = await createFace({
    ...options,
    path: { collection: collection.id },
    query: { wait: 30 },
    body: { images: plan.enrol, subject: "Ann" },
  });
  const { data: job } = await createRecognition({
    ...options,
    path: { collection: collection.id },
    headers: { Prefer: "wait=30" },
    body: { images: plan.recognise, limit: 1 },
  });
  const { data: again } = await getJob({ ...options, path: { job_id: job.id } });
  const { error: missing } = await getJob({ client, path: { job_id: crypto.randomUUID() } });

  if (enrolment.result === null || job.result === null) throw new Error("not succeeded");
  const images = job.result.images;
  return {
    quality_gate: collection.quality_gate,
    enrolled: enrolment.result.face_ids.length,
    decisions: images.map((image) => image.faces.map((face) => face.decision)),
    subjects: images.map((image) => image.faces.map((face) => face.candidates[0].subject)),
    similar: images[0].faces.every((face) => face.candidates[0].similarity > 0.5),
    same_again:
      again.type === "recognition" && JSON.stringify(again.result) === JSON.stringify(job.result),
    missing: missing?.type,
  };
}
