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

/** The front page of a project as nginx gives it. */
export interface Page {
  status: number;
  /** The beginning of it: all of it where it has no more than {@link comparedBytes}. */
  text: string;
  /** Its bytes, as the server says; null where it does not. */
  size: number | null;
}

/** So much of a page tells it from another one, and a large one is not fetched. */
export const comparedBytes = 64 * 1024;
/** nginx answers with a few hundred bytes of them. */
const mostHeaderBytes = 16 * 1024;

/**
 * Returns the front page that nginx gives for a project's name; the reason in words where it gives none. With "any status"
 * a page of an error is one too.
 */
export async function frontPage(
  see: HostReader,
  project: Project,
  accepts: "success" | "any status" = "success",
): Promise<Page | { why: string }> {
  const { resolve, url } = addressOf(project);
  const fails = accepts === "success" ? ["-f"] : [];
  // One byte more shows that a page has more than what is compared.
  const options = { enoughBytes: mostHeaderBytes + comparedBytes + 1 };
  const { code, stdout, stderr } = await see.probe(["curl", ...flags, ...fails, "-i", ...resolve, url], options);
  if (code === 0) return pageIn(stdout);
  if (code === 127) return { why: `${url} cannot be asked: ${stderr.trim()}` };
  return { why: `${url} does not answer: ${stderr.trim().replace(/^curl: \(\d+\) /, "")}` };
}

/** What curl prints of an answer: its headers, an empty line, the page. An early hint has headers of its own, before. */
function pageIn(answer: string): Page {
  let [head = "", page = ""] = parted(answer);
  while (/^HTTP\/\S+ 1\d\d/.test(head)) [head, page] = parted(page);
  const status = Number(/^HTTP\/\S+ (\d{3})/.exec(head)?.[1] ?? 0);
  const size = /^content-encoding:/im.test(head) ? undefined : /^content-length: *(\d+)/im.exec(head)?.[1];
  return { status, text: page, size: size === undefined ? null : Number(size) };
}

function parted(answer: string): [head: string, rest: string] {
  const end = answer.indexOf("\r\n\r\n");
  return end < 0 ? [answer, ""] : [answer.slice(0, end), answer.slice(end + 4)];
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
    // Only the status is wanted.
    const told = ["--parallel", "--parallel-max", String(atOnce), "--max-filesize", "1"];
    const form = ["-w", "%{url_effective} %{http_code}\n"];
    const { stdout } = await see.probe(["curl", ...flags, ...told, ...form, ...words]);
    for (const line of stdout.split("\n")) {
      const [url = "", code] = line.split(" ");
      codes.set(url.toLowerCase(), Number(code));
    }
  }
  return new Map(projects.map((project) => [project.slug, codes.get(urlOf(project).toLowerCase()) ?? 0]));
}
