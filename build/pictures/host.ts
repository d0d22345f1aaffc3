import { hookPath, liveDir } from "../../src/certs/paths.ts";
import { dockerSocket } from "../../src/docker/paths.ts";
import { docsRoot, journalDir, logDir, stateDir } from "../../src/engine/paths.ts";
import { sitesEnabledDir } from "../../src/nginx/paths.ts";
import { runnerConfigPath } from "../../src/runner/paths.ts";
import type { Picture } from "./picture.ts";

export const host: Picture = {
  title: "The parts of a host",
  description: `Readers ask nginx (${sitesEnabledDir}), which serves the sites in ${docsRoot} with the certificates that certbot keeps in ${liveDir}; after a renewal the hook ${hookPath} has nginx load it. GitLab Runner (${runnerConfigPath}) asks GitLab for jobs, and runs them in containers of Docker Engine (${dockerSocket}). edox-ops sets all of it up and keeps records in ${stateDir}, journals in ${journalDir} and logs in ${logDir}. Nothing of it runs between two commands. doctor checks every part and changes nothing.`,
  boxes: {
    readers: { title: "Readers", kind: "soft" },
    gitlab: { title: "GitLab", kind: "soft" },
    certbot: { title: "certbot", text: "obtains and renews", code: [liveDir] },
    nginx: { title: "nginx", text: "one file per site", code: [sitesEnabledDir] },
    sites: { title: "Sites", text: "live releases and backups", code: [docsRoot] },
    runner: { title: "GitLab Runner", text: "asks for jobs", code: [runnerConfigPath] },
    docker: { title: "Docker Engine", text: "a container per job", code: [dockerSocket] },
    program: {
      title: "edox-ops",
      text: "sets up every part, and doctor checks it. Nothing of it runs between two commands",
      kind: "strong",
    },
    state: { title: "Records", code: [stateDir] },
    journal: { title: "Journals", code: [journalDir] },
    logs: { title: "Logs", code: [logDir] },
  },
  frames: [
    {
      label: "Host",
      boxes: ["certbot", "nginx", "sites", "runner", "docker", "program", "state", "journal", "logs"],
    },
  ],
  arrows: [
    { from: "readers", to: "nginx" },
    { from: "nginx", to: "sites" },
    { from: "certbot", to: "nginx" },
    { from: "runner", to: "gitlab" },
    { from: "runner", to: "docker" },
    { from: "program", to: "state" },
    { from: "program", to: "journal", only: "wide" },
    { from: "program", to: "logs" },
  ],
  layouts: {
    wide: [
      ". readers gitlab",
      "certbot nginx runner",
      ". sites docker",
      "program program program",
      "state journal logs",
    ],
    narrow: ["readers gitlab", "nginx runner", "sites docker", "certbot certbot", "program program", "state logs"],
  },
};
