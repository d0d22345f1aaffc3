import { parse } from "yaml";
import { dockerSocket } from "../../src/docker/paths.ts";
import { runnerConfigPath } from "../../src/runner/paths.ts";
import { ciDocker } from "../../src/runner/registration/profile.ts";
import { dindImage } from "../../src/runner/selftest-image.ts";
import { snippet } from "../../src/runner/selftest-snippet.ts";
import type { Picture } from "./picture.ts";

const job = parse(snippet(dindImage, null));
const daemon: string = job.variables.DOCKER_HOST;
const certificates: string = job.variables.DOCKER_CERT_PATH;
if (!ciDocker.volumes.includes(certificates)) throw new Error(`the profile ci has no volume ${certificates}`);

export const runner: Picture = {
  title: "A runner with Docker-in-Docker",
  description: `GitLab Runner (${runnerConfigPath}) asks GitLab for jobs, and starts two containers for each in Docker Engine (${dockerSocket}): the job, from ${job.image}, and the service, from ${dindImage}, a Docker daemon of its own. Both share the volume ${certificates}, with whose certificates the job talks to the daemon at ${daemon} over TLS. The job builds images and runs containers in that daemon. The service is privileged, and so is root on the host.`,
  boxes: {
    gitlab: { title: "GitLab", text: "queues jobs", kind: "soft" },
    runner: { title: "GitLab Runner", text: "asks for jobs", code: [runnerConfigPath] },
    engine: { title: "Docker Engine", text: "starts two containers per job", code: [dockerSocket] },
    job: { title: "Job", text: "runs your script", code: [job.image, certificates], kind: "strong" },
    service: {
      title: "Service",
      text: "a Docker daemon, privileged: root on the host",
      code: [dindImage, certificates],
      kind: "strong",
    },
    inner: { title: "Your containers", text: "what the job builds and runs in that daemon", kind: "soft" },
  },
  frames: [{ label: "Host", boxes: ["runner", "engine", "job", "service", "inner"] }],
  arrows: [
    { from: "runner", to: "gitlab" },
    { from: "runner", to: "engine" },
    { from: "engine", to: "job" },
    { from: "engine", to: "service" },
    { from: "job", to: "service", label: `TLS :${new URL(daemon).port}` },
    { from: "service", to: "inner" },
  ],
  layouts: {
    wide: ["gitlab gitlab", "runner runner", "engine engine", "job service", "inner inner"],
    narrow: ["gitlab", "runner", "engine", "job", "service", "inner"],
  },
};
