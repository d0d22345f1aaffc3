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

export const registerFlags = {
  url: { type: "string", valueHint: "url", description: "the GitLab that gives the jobs: https://gitlab.com" },
  token: {
    type: "string",
    valueHint: "token",
    description: "the runner's token, - to be asked for it; without it EDOX_RUNNER_TOKEN is taken",
  },
  "token-file": { type: "string", valueHint: "file", description: "a file with the token in its first line" },
  "access-token": {
    type: "string",
    valueHint: "token",
    description:
      "make the runner in GitLab with this token of the scope create_runner, - to be asked (EDOX_GITLAB_TOKEN)",
  },
  project: { type: "string", valueHint: "number", description: "make it there for this project" },
  group: { type: "string", valueHint: "number", description: "make it there for this group" },
  protected: { type: "boolean", description: "make it there for protected branches and tags only" },
  profile: {
    type: "string",
    valueHint: "name or file",
    completes: "profile",
    description: "ci, ci-rootless, or a file with a [[runners]]",
  },
  executor: { type: "string", options: ["shell", "docker"], description: "what a job runs in" },
  description: { type: "string", valueHint: "name", description: "the runner's name" },
  tags: { type: "string", valueHint: "tag,...", description: "the tags of the jobs that it takes" },
  "docker-image": { type: "string", valueHint: "image", description: "Default image for jobs that do not set one" },
  "docker-privileged": { type: "boolean", description: "run its containers privileged, for Docker-in-Docker" },
  "docker-volumes": { type: "string", valueHint: "path,...", description: "mount these too" },
  concurrent: {
    type: "string",
    valueHint: "number",
    description: "how many jobs all runners of this host run at once",
  },
  "ca-file": { type: "string", valueHint: "file", description: "certificates to trust besides the system's" },
  replace: { type: "boolean", description: "take the place of the runner that edox-ops registered under this name" },
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
    throw usage(`--url '${printableAddress(url)}' is no http or https address without a password`);
  }
  const concurrent = values.concurrent === undefined ? undefined : Number(values.concurrent);
  if (concurrent !== undefined && !(Number.isInteger(concurrent) && concurrent >= 1 && concurrent <= mostConcurrent)) {
    throw usage(`--concurrent ${values.concurrent} is no number from 1 to ${mostConcurrent}`);
  }
  const caPath = values["ca-file"] === undefined ? undefined : authority(reader, values["ca-file"]);
  const credential = await credentialOf(reader, values, context);
  return {
    server: { url: address, caPath, again: withoutToken(credential, context) },
    profile: profileOf(reader, values, warn),
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
  if (!path.startsWith("/"))
    throw usage(`--ca-file ${path} is no absolute path: the runner reads it later, from elsewhere`);
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
  if (given.length > 1) throw usage(`--${given[0]} and --${given[1]} are two ways to say who this is`);
  for (const [flag, id] of Object.entries({ project, group })) {
    if (id !== undefined && !/^[1-9]\d{0,15}$/.test(id))
      throw usage(`--${flag} ${id} is not the number that GitLab shows`);
  }
  if (project !== undefined && group !== undefined) throw usage("--project and --group are two owners of one runner");
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
  if (project ?? group ?? values.protected)
    throw usage("--project, --group and --protected are said to GitLab with --access-token");
  return credential;

  async function tokenOf(typed: string | undefined, variable: string): Promise<Secret | undefined> {
    if (typed === "-") return context.console.secret("token");
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
