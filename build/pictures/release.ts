import { parse } from "yaml";
import type { Picture } from "./picture.ts";

interface Job {
  stage?: string;
  extends?: string;
}

/** The stages that only the pipeline of a tag has. */
const ofTags = ["package", "release", "publish"] as const;

const text = await Bun.file(`${import.meta.dir}/../../.gitlab-ci.yml`).text();
const { stages, ...rest }: { stages: string[] } = parse(text, { merge: true });
const entries: Record<string, Job> = rest;
const jobs = Object.entries(entries).filter(([name, { stage, extends: base }]) => {
  return !name.startsWith(".") && (stage ?? base) !== undefined;
});

function stageOf({ stage, extends: base }: Job): string {
  return stage ?? stageOf(entries[base ?? ""] ?? { stage: "test" });
}

function jobsOf(stage: string): string[] {
  return jobs.filter(([, job]) => stageOf(job) === stage).map(([name]) => name);
}

for (const stage of ofTags) if (jobsOf(stage).length === 0) throw new Error(`the stage ${stage} has no job`);
const before = stages.filter((stage) => !(ofTags as readonly string[]).includes(stage));
const key = "package:build";
if (!jobsOf("package").includes(key)) throw new Error(`the stage package has no job ${key}`);

export const release: Picture = {
  title: "How a release is made",
  description: `The pipeline of a tag runs the stages of every push (${before.join(", ")}), and then: ${ofTags.map((stage) => `${stage} (${jobsOf(stage).join(", ")})`).join("; ")}. ${key} signs the assets with the release key, which no other job has. publish:release waits for a click. install.sh and edox-ops self-update download the assets, and verify the checksums and their signature.`,
  boxes: {
    checks: { title: before.join(" → "), text: "the stages of every push" },
    package: { title: "package", text: "builds and signs", code: jobsOf("package"), kind: "strong" },
    release: { title: "release", code: jobsOf("release"), kind: "strong" },
    publish: { title: "publish", code: jobsOf("publish"), kind: "strong" },
    key: { title: "Release key", text: `only ${key} has it`, kind: "soft" },
    assets: { title: "Release", text: "programs, packages, installer, signed checksums" },
    host: { title: "Your host", text: "verifies the signature", code: ["install.sh", "edox-ops self-update"] },
  },
  frames: [{ label: "Tag vX.Y.Z", boxes: ["package", "release", "publish"] }],
  arrows: [
    { from: "checks", to: "package" },
    { from: "package", to: "release" },
    { from: "release", to: "publish" },
    { from: "key", to: "package", only: "wide" },
    { from: "publish", to: "assets" },
    { from: "assets", to: "host" },
  ],
  layouts: {
    wide: ["checks checks", "package key", "release host", "publish assets"],
    narrow: ["checks", "package", "release", "publish", "assets", "host"],
  },
};
