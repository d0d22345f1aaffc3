// Whether sites answer as they should, asked of the nginx of this host under their names.

import type { HostReader } from "../host/host.ts";
import type { Project } from "./project.ts";

const limitSeconds = 5;
/** As many as the oldest curl of these systems takes (7.74). */
const atOnce = 300;
/** -q first: what root has written for its own curl is not for this. */
const flags = ["-q", "-sS", "-k", "--noproxy", "*", "--max-time", String(limitSeconds)];

export function urlOf({ domain, tls }: Project): string {
  return `${tls ? "https" : "http"}://${domain}/`;
}

function addressOf(project: Project): { resolve: string[]; url: string } {
  const { domain, tls } = project;
  return { resolve: ["--resolve", `${domain}:${tls ? 443 : 80}:127.0.0.1`], url: urlOf(project) };
}

/** The front page that nginx gives for a project's name; the reason in words where it gives none. */
export async function frontPage(see: HostReader, project: Project): Promise<{ page: string } | { why: string }> {
  const { resolve, url } = addressOf(project);
  const { code, stdout, stderr } = await see.probe(["curl", ...flags, "-f", ...resolve, url]);
  if (code === 0) return { page: stdout };
  return { why: `${url} does not answer: ${stderr.trim().replace(/^curl: \(\d+\) /, "")}` };
}

/**
 * How each of the sites answers, by slug: the status of HTTP, 0 for none. A child asks so many side by side: those that do
 * not answer take no longer than one of them, and no command line is longer than the kernel takes.
 */
export async function statuses(see: HostReader, projects: readonly Project[]): Promise<Map<string, number>> {
  const codes = new Map<string, number>();
  for (let i = 0; i < projects.length; i += atOnce) {
    const some = projects.slice(i, i + atOnce).map(addressOf);
    const words = some.flatMap(({ resolve, url }) => [...resolve, "-o", "/dev/null", url]);
    const told = ["--parallel", "--parallel-max", String(atOnce), "-w", "%{url_effective} %{http_code}\n"];
    const { stdout } = await see.probe(["curl", ...flags, ...told, ...words]);
    for (const line of stdout.split("\n")) {
      const [url = "", code] = line.split(" ");
      codes.set(url.toLowerCase(), Number(code));
    }
  }
  return new Map(projects.map((project) => [project.slug, codes.get(urlOf(project).toLowerCase()) ?? 0]));
}
