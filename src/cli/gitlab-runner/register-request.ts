// The request of a registration, from the flags.

import { printableAddress } from "../../engine/fetch.ts";
import type { HostReader } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { type Credential, mostConcurrent, type Registration } from "../../runner/registration/registration.ts";
import { tokenKind } from "../../runner/registration/token-kind.ts";
import { Secret } from "../../text/secret.ts";
import { withFlag } from "../../text/with-flag.ts";
import { usage } from "../arguments.ts";
import type { Arguments } from "../command.ts";
import type { Context } from "../context.ts";
import { profileOf } from "./register-profile.ts";

/** What a terminal asks for, by the variable that has it otherwise. */
const questions = {
  EDOX_RUNNER_TOKEN: "Token of the runner (GitLab: Settings, CI/CD, Runners)",
  EDOX_GITLAB_TOKEN: "GitLab access token with the scope create_runner",
} as const;

export const registerFlags = {
  url: { type: "string", valueHint: "url", description: "GitLab instance URL" },
  token: {
    type: "string",
    valueHint: "token",
    description: "Authentication token of the runner; - asks for it, EDOX_RUNNER_TOKEN by default",
  },
  "token-file": { type: "string", valueHint: "file", description: "File with the token in its first line" },
  "access-token": {
    type: "string",
    valueHint: "token",
    description: "Create the runner in GitLab with this access token; - asks for it, EDOX_GITLAB_TOKEN by default",
  },
  project: {
    type: "string",
    group: "Runner",
    valueHint: "number",
    description: "Create a runner of this GitLab project (with --access-token)",
  },
  group: {
    type: "string",
    group: "Runner",
    valueHint: "number",
    description: "Create a runner of this GitLab group (with --access-token)",
  },
  protected: {
    type: "boolean",
    group: "Runner",
    description: "Run jobs of protected branches and tags only (with --access-token)",
  },
  profile: {
    type: "string",
    valueHint: "profile",
    completes: "profile",
    description: "Settings of the runner: ci, ci-rootless, or a TOML file with [[runners]]",
  },
  executor: {
    type: "string",
    group: "Runner",
    options: ["shell", "docker"],
    description: "Executor of the jobs: shell (default) or docker",
  },
  description: { type: "string", group: "Runner", valueHint: "name", description: "Name of the runner" },
  tags: { type: "string", group: "Runner", valueHint: "tag,...", description: "Tags of the jobs that it runs" },
  "docker-image": {
    type: "string",
    group: "Runner",
    valueHint: "image",
    description: "Default image for jobs that do not set one",
  },
  "docker-privileged": {
    type: "boolean",
    group: "Runner",
    description: "Run privileged containers, which Docker-in-Docker needs",
  },
  "docker-volumes": {
    type: "string",
    group: "Runner",
    valueHint: "path,...",
    description: "Mount these volumes as well",
  },
  concurrent: {
    type: "string",
    group: "Runner",
    valueHint: "number",
    description: "Maximum number of jobs that this host runs at once",
  },
  "ca-file": {
    type: "string",
    group: "Advanced",
    valueHint: "file",
    description: "Trust these CA certificates (PEM) in addition to those of the system",
  },
  replace: { type: "boolean", description: "Replace the runner that edox-ops registered under this name" },
} as const satisfies Arguments;

/** Maximum number of bytes of a token file that are read. The token is in the first line. */
const mostTokenFile = 4096;

type Typed = {
  [Name in keyof typeof registerFlags]?: (typeof registerFlags)[Name]["type"] extends "boolean" ? boolean : string;
};

/** Returns the request that the flags describe. Throws a Problem for an invalid value and for a missing token. */
export async function registrationOf(
  reader: HostReader,
  values: Typed,
  context: Context,
  warn: (sentence: string) => void,
): Promise<Registration> {
  const url = values.url ?? "";
  if (url === "")
    throw usage("--url is missing", undefined, withFlag(["edox-ops", ...context.typed], "--url", "https://gitlab.com"));
  // GitLab Runner requests paths below the address and drops its query, so the query is not recorded.
  const address = url.replace(/[?#][\x21-\x7e]*$/, "");
  if (!/^https?:\/\/[\w.[\]:-]+(\/[\w./~%-]*)?$/.test(address) || !URL.canParse(address)) {
    throw usage(`invalid URL '${printableAddress(url)}' for --url: use http or https, without a password`);
  }
  const concurrent = values.concurrent === undefined ? undefined : Number(values.concurrent);
  if (concurrent !== undefined && !(Number.isInteger(concurrent) && concurrent >= 1 && concurrent <= mostConcurrent)) {
    throw usage(`invalid number '${values.concurrent}' for --concurrent (1 to ${mostConcurrent})`);
  }
  const caPath = values["ca-file"] === undefined ? undefined : authority(reader, values["ca-file"]);
  const credential = await credentialOf(reader, values, context);
  return {
    server: { url: address, caPath, again: withoutToken(credential, context) },
    profile: profileOf(reader, values, warn, context.typed),
    profileName: values.profile ?? null,
    concurrent,
    replaces: values.replace === true,
    isProtected: values.protected === true,
    credential,
  };
}

/**
 * Returns the command to run again with another token, which it prompts for. A token from a file is read from the file
 * again.
 */
function withoutToken({ kind }: Credential, { typed }: Context): string[] {
  const isTyped = typed.some((word) => /^--(token|token-file|access-token)(=|$)/.test(word));
  return ["sudo", "edox-ops", ...typed, ...(isTyped ? [] : [kind === "access" ? "--access-token" : "--token", "-"])];
}

/**
 * Returns the path of a certificate file. Throws a Problem if it contains no certificate. gitlab-runner itself ignores
 * a missing file.
 */
function authority(reader: HostReader, path: string): string {
  if (!path.startsWith("/")) throw usage(`--ca-file ${path} is not an absolute path, which the service needs`);
  const text = new TextDecoder().decode(reader.read(path) ?? new Uint8Array());
  if (text.includes("-----BEGIN CERTIFICATE-----")) return path;
  throw new Problem("usage", `--ca-file ${path} has no certificate in it`, {
    hint: ["openssl", "x509", "-in", path, "-noout", "-subject"],
  });
}

async function credentialOf(reader: HostReader, values: Typed, context: Context): Promise<Credential> {
  const { project, group } = values;
  // An empty --token counts as absent: scripts pass a variable that may be empty.
  const given = ["token", "token-file", "access-token"].filter((name) => values[name as keyof Typed]);
  if (given.length > 1) throw usage(`--${given[0]} and --${given[1]} are mutually exclusive`);
  for (const [flag, id] of Object.entries({ project, group })) {
    if (id !== undefined && !/^[1-9]\d{0,15}$/.test(id))
      throw usage(`--${flag} ${id} is not the number that GitLab shows`);
  }
  if (project !== undefined && group !== undefined) throw usage("--project and --group are mutually exclusive");
  const own = await tokenOf(values.token, "EDOX_RUNNER_TOKEN");
  const fromFile = values["token-file"] === undefined ? undefined : firstLine(values["token-file"]);
  // Flags take precedence over environment variables.
  const access =
    given.includes("access-token") || (given.length === 0 && own === undefined)
      ? await tokenOf(values["access-token"], "EDOX_GITLAB_TOKEN")
      : undefined;
  if (access !== undefined) {
    return { kind: "access", token: checkedValues(access, "--access-token", context), project, group };
  }
  const token = fromFile ?? own;
  if (token === undefined) {
    throw new Problem("missing-value", "no token is given: --token -, --token-file or EDOX_RUNNER_TOKEN", {
      hint: withToken(context, "--token"),
    });
  }
  const credential = {
    kind: token.matches(/^glrtr?-/) ? "own" : "old",
    token: checkedValues(token, "--token", context),
  } as const;
  if (project ?? group ?? values.protected) throw usage("--project, --group and --protected need --access-token");
  return credential;

  async function tokenOf(typed: string | undefined, variable: keyof typeof questions): Promise<Secret | undefined> {
    if (typed === "-") return context.console.secret(questions[variable]);
    const value = typed || given.length > 0 ? typed : context.variable(variable) || undefined;
    return value === undefined ? undefined : new Secret(value);
  }

  function firstLine(path: string): Secret {
    const bytes = reader.head(path, mostTokenFile);
    if (bytes === null) throw usage(`--token-file ${path} does not exist`);
    return new Secret(new TextDecoder().decode(bytes).split("\n")[0]?.trim() ?? "");
  }
}

/** Returns the token if its kind suits the flag. Otherwise throws a usage Problem that never shows the token. */
function checkedValues(token: Secret, flag: "--token" | "--access-token", context: Context): Secret {
  const kind = tokenKind(token);
  if (kind !== null && kind.flag !== flag) {
    const instead = kind.flag === undefined ? "it registers no runner" : `give it with ${kind.flag}`;
    throw usage(`${flag} is ${kind.name}: ${instead}`, undefined, withToken(context, kind.flag ?? flag));
  }
  const name = flag === "--token" ? "the token" : flag;
  if (token.matches(/^[\x21-\x7e]{8,500}$/)) return token;
  throw usage(`${name} is not one: a token has at least 8 characters, and no blank in it`);
}

/** Returns the command with its token flags replaced by this flag, which prompts for the token. */
function withToken({ typed }: Context, flag: string): string[] {
  const rest = ["--token", "--token-file", "--access-token"].reduce(
    (words, each) => withFlag(words, each, null),
    [...typed],
  );
  return ["sudo", "edox-ops", ...rest, flag, "-"];
}
