// Probes rules before a deploy uses them: starts an nginx for the new tree alone, which listens on a Unix socket that
// only root can open, and requests the path of each rule.

import { lockDir } from "../../engine/paths.ts";
import type { Host } from "../../host/host.ts";
import { variableSizes } from "../../nginx/names.ts";
import { typesPath } from "../../nginx/paths.ts";
import { server } from "../../nginx/text.ts";
import { Problem } from "../../problem/problem.ts";
import { linesOf } from "../../text/lines.ts";
import type { Project } from "../project.ts";
import { locations } from "../serve/locations.ts";
import { sitePart } from "../serve/part.ts";
import { errorPageLine } from "../serve/rule-lines.ts";
import type { RuleTexts } from "./rules.ts";

/** What nginx answered to one request. The names of headers are in lower case. */
export interface Response {
  status: number;
  headers: Map<string, string>;
}

/** Longer than the probes of the largest number of rules take. It ends an nginx that this process lost. */
const limitMs = 120_000;
const startMs = 10_000;
const pollMs = 20;

/**
 * Returns what nginx answers to these paths, which are percent-encoded, for this tree with these rules. Throws a Problem
 * if nginx refuses them.
 */
export async function privateAnswers(
  host: Host,
  { project, tree, texts, paths }: { project: Project; tree: string; texts: RuleTexts; paths: readonly string[] },
): Promise<Response[]> {
  const dir = `${lockDir}/rules-${project.slug}`;
  const config = `${dir}/nginx.conf`;
  const socket = `${dir}/socket`;
  // A killed deploy may have left the directory. Its nginx ended with it.
  removeDirectory(host, dir);
  const attributes = { mode: 0o700, uid: host.uid, gid: host.uid };
  host.makeDirectory(dir, attributes);
  try {
    const text = privateConfig(project, { dir, socket, tree, texts });
    host.writeFile(config, new TextEncoder().encode(text), { ...attributes, mode: 0o600 });
    // The kernel ends nginx with the thread of this process.
    const ended = host.run(["setpriv", "--pdeathsig", "KILL", "nginx", "-c", config], { limitMs });
    let output: Awaited<typeof ended> | undefined;
    const running = ended.then((each) => {
      output = each;
    });
    for (const end = host.now() + startMs; host.stat(socket) === null && output === undefined; ) {
      if (host.now() > end) break;
      await host.sleep(pollMs);
    }
    try {
      if (output !== undefined) throw refused(output);
      return await ask(host, socket, project, paths);
    } finally {
      if (output === undefined) await host.run(["nginx", "-c", config, "-s", "stop"]);
      await running;
    }
  } finally {
    removeDirectory(host, dir);
  }
}

/** Removes the directory, which has files and empty directories. */
function removeDirectory(host: Host, dir: string): void {
  const names = host.list(dir);
  if (names === null) return;
  for (const name of names) host.remove(`${dir}/${name}`);
  host.remove(dir);
}

function refused({ stderr }: { stderr: string }): Problem {
  const lines = linesOf(stderr);
  const reason = lines.find((line) => /\[(?:emerg|alert|crit)\]/.test(line)) ?? lines.join(" ");
  return new Problem("command-failed", `nginx refuses the rules of the site: ${reason || "it does not start"}`);
}

/** Returns a configuration with the rules and the locations of the site, without what only its readers need. */
function privateConfig(
  project: Project,
  { dir, socket, tree, texts }: { dir: string; socket: string; tree: string; texts: RuleTexts },
): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `    ${name}_temp_path ${dir}/temporary;\n`,
  );
  const sizes = Object.entries(variableSizes).map(([name, size]) => `    ${name} ${size};\n`);
  const part = sitePart(project);
  const text = server([
    `listen unix:${socket};`,
    `root ${tree};`,
    "index index.html;",
    "charset utf-8;",
    `include ${typesPath};`,
    "absolute_redirect off;",
    "",
    ...part.before,
    ...part.caching.lines,
    errorPageLine(part),
    ...texts.server.trimEnd().split("\n"),
    ...locations(part, true),
  ]);
  return `daemon off;
master_process off;
pid ${dir}/pid;
error_log ${dir}/error.log;
events {
    worker_connections 64;
}
http {
    access_log off;
    keepalive_requests 100000;
${sizes.join("")}${temporary.join("")}    map "" $edox_ops_cache {
        default "public, max-age=0, must-revalidate";
    }
${texts.maps}${text}}
`;
}

/** Sends a HEAD request for each path, over one connection. */
async function ask(host: Host, socket: string, { domain }: Project, paths: readonly string[]): Promise<Response[]> {
  // No path is left if the site has a file for each of them, and curl fails without a URL.
  if (paths.length === 0) return [];
  const lines = paths.map((path) => `url = "http://${domain}${path}"\n`).join("");
  const flags = ["-q", "-sS", "-I", "-g", "--path-as-is", "--max-time", String(limitMs / 1000)];
  const input = (async function* () {
    yield new TextEncoder().encode(lines);
  })();
  const { code, stdout, stderr } = await host.run(["curl", ...flags, "--unix-socket", socket, "-K", "-"], {
    input,
    limitMs,
  });
  if (code !== 0) {
    throw new Problem("command-failed", `the rules of the site could not be requested: ${linesOf(stderr).join(" ")}`);
  }
  return stdout.split("\r\n\r\n").slice(0, -1).map(responseOf);
}

function responseOf(head: string): Response {
  const [first = "", ...lines] = head.split("\r\n");
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name = "", value = ""] = /^([^:]+):\s*(.*?)\s*$/.exec(line) ?? [];
    headers.set(name.toLowerCase(), value);
  }
  return { status: Number(/^HTTP\/\S+ (\d{3})/.exec(first)?.[1] ?? 0), headers };
}
