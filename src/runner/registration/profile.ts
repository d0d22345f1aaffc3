// The settings of a runner: the built-in profiles, a profile from a file, and the flags that override them.

import { Problem } from "../../problem/problem.ts";
import { parseToml, type TomlTable, type TomlValue } from "../../toml/edit.ts";
import { runnerConfigFile } from "../runners.ts";

export interface Profile {
  executor: string;
  /** The name of the runner, here and in GitLab. */
  description: string;
  /** A setting in GitLab. A runner with its own authentication token never sends it. */
  tags: readonly string[];
  /** Keys of `[[runners]]`. */
  settings: TomlTable;
}

export const defaultImage = "python:3.11-bookworm";
const volumes = ["/cache", "/certs/client"];
/** Docker's images that do not need root on the host. */
const rootlessServices = ["docker", "docker.io/library/docker"].flatMap((name) => [
  `${name}:dind-rootless`,
  `${name}:*-dind-rootless`,
]);

/** The table `[runners.docker]` of the profile `ci`. */
export const ciDocker = { image: defaultImage, privileged: true, volumes };

export const profiles: Record<string, Profile> = {
  ci: {
    executor: "docker",
    description: "edox-ops CI runner",
    tags: ["docker-privileged"],
    settings: { docker: ciDocker },
  },
  /** Only the service of Docker-in-Docker is privileged, and only with a rootless image. */
  "ci-rootless": {
    executor: "docker",
    description: "edox-ops rootless CI runner",
    tags: ["docker-rootless"],
    settings: {
      docker: {
        image: defaultImage,
        privileged: false,
        services_privileged: true,
        allowed_privileged_services: rootlessServices,
        volumes,
      },
    },
  },
};

export const withoutProfile: Profile = {
  executor: "shell",
  description: "edox-ops shell runner",
  tags: [],
  settings: {},
};

/** Keys that identify one runner and do not belong in a profile. */
const identity = ["name", "url", "id", "token", "token_obtained_at", "token_expires_at"];

/**
 * Returns the profile in a file of one `[[runners]]`, the format of `gitlab-runner register --template-config`. Throws
 * a Problem that names the path if the file is anything else.
 */
export function profileIn(text: string, path: string): Profile {
  const config = parseToml(text, { ...runnerConfigFile, path });
  const invalidProfile = (why: string): Problem => {
    return new Problem("usage", `${path} is no profile: ${why}`, {
      hint: ["edox-ops", "gitlab-runner", "register", "--help"],
    });
  };
  const others = Object.keys(config).filter((key) => key !== "runners");
  if (others.length > 0) throw invalidProfile(`it has ${others[0]}, which is of all runners of a host`);
  const runners: unknown = config.runners;
  if (!Array.isArray(runners) || runners.length !== 1) throw invalidProfile("it has not exactly one [[runners]]");
  const { executor, name, ...all } = runners[0] as Record<string, unknown>;
  if (typeof executor !== "string") throw invalidProfile("its runner has no executor");
  const settings = Object.fromEntries(Object.entries(all).filter(([key]) => !identity.includes(key)));
  return {
    executor,
    description: typeof name === "string" ? name : `edox-ops ${executor} runner`,
    tags: [],
    settings: tableOf(settings, "runners", invalidProfile),
  };
}

function tableOf(table: object, at: string, refused: (why: string) => Problem): TomlTable {
  return Object.fromEntries(
    Object.entries(table).map(([key, value]): [string, TomlValue] => {
      const place = `${at}.${key}`;
      if (["string", "number", "boolean"].includes(typeof value)) return [key, value];
      if (Array.isArray(value)) {
        if (value.every((each) => typeof each === "string")) return [key, value];
        throw refused(`${place} is an array of something else than texts: set it in config.toml after registering`);
      }
      if (typeof value !== "object" || value instanceof Date)
        throw refused(`${place} is neither text, number nor table`);
      return [key, tableOf(value, place, refused)];
    }),
  );
}
