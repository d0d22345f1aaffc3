// Requests front pages from the nginx of this host, under their own host names.

import type { HostReader } from "../../host/host.ts";
import type { PasswordScope, Project } from "../project.ts";
import { versionTarget } from "../target.ts";

const limitSeconds = 5;
/** The largest number of parallel transfers that the oldest curl of the supported systems accepts (7.74). */
const atOnce = 300;
/** -q is first, so that root's own .curlrc is not read. */
const flags = ["-q", "-sS", "-k", "--noproxy", "*", "--max-time", String(limitSeconds)];

export function urlOf({ domain, tls }: Project): string {
  return `${tls ? "https" : "http"}://${domain}/`;
}

/** Where nginx serves the front page of a tree: that of a site, of a version or of a preview. */
export interface FrontPage {
  /** The host name of the request. */
  name: string;
  tls: boolean;
  /** It begins with a slash. */
  path: string;
  /** The tree that has the page as its index.html. */
  root: string;
  /** The part of the project that it belongs to. */
  part: PasswordScope;
}

/** Returns the front page of a site under its domain. The shortest address leads to the default version if there is one. */
export function siteFront({ domain, tls, root_path, default_version }: Project): FrontPage {
  return {
    name: domain,
    tls,
    path: default_version === undefined ? "/" : "/index.html",
    root: root_path,
    part: "site",
  };
}

/** Returns the front page of a version. */
export function versionFront({ domain, tls, slug }: Project, name: string): FrontPage {
  return { name: domain, tls, path: `/${name}/`, root: versionTarget(slug, name).root, part: "site" };
}

export function frontUrl({ name, tls, path }: FrontPage): string {
  return `${tls ? "https" : "http"}://${name}${path}`;
}

function addressOf(front: FrontPage): { resolve: string[]; url: string } {
  const { name, tls } = front;
  return { resolve: ["--resolve", `${name}:${tls ? 443 : 80}:127.0.0.1`], url: frontUrl(front) };
}

/** A front page as nginx sends it. */
export interface Page {
  status: number;
  /** The beginning of the page; the whole page where it has at most {@link comparedBytes}. */
  text: string;
  /** The size in bytes that the server declares; null where it declares none. */
  size: number | null;
  /** The realm of the password that the server asks for; null where it asks for none. */
  realm: string | null;
}

/** This many bytes distinguish two pages, so a large page is not fetched whole. */
export const comparedBytes = 64 * 1024;
/** nginx sends a few hundred bytes of headers. */
const mostHeaderBytes = 16 * 1024;

/**
 * Returns the front page that nginx sends, or the reason why it sends none. With "any status",
 * an error page counts as a page.
 */
export async function frontPage(
  reader: HostReader,
  front: FrontPage,
  accepts: "success" | "any status" = "success",
): Promise<Page | { why: string }> {
  const { resolve, url } = addressOf(front);
  const fails = accepts === "success" ? ["-f"] : [];
  // One more byte shows that the page is longer than the part that is compared.
  const options = { enoughBytes: mostHeaderBytes + comparedBytes + 1 };
  const { code, stdout, stderr } = await reader.probe(["curl", ...flags, ...fails, "-i", ...resolve, url], options);
  if (code === 0) return pageIn(stdout);
  if (code === 127) return { why: `${url} cannot be asked: ${stderr.trim()}` };
  return { why: `${url} does not answer: ${stderr.trim().replace(/^curl: \(\d+\) /, "")}` };
}

/**
 * Parses what curl prints: headers, an empty line, the page. An early hint (status 1xx) comes first, with its own
 * headers.
 */
function pageIn(answer: string): Page {
  let [head = "", page = ""] = splitResponse(answer);
  while (/^HTTP\/\S+ 1\d\d/.test(head)) [head, page] = splitResponse(page);
  const status = Number(/^HTTP\/\S+ (\d{3})/.exec(head)?.[1] ?? 0);
  const size = /^content-encoding:/im.test(head) ? undefined : /^content-length: *(\d+)/im.exec(head)?.[1];
  const realm = /^www-authenticate: *Basic realm="([^"]*)"/im.exec(head)?.[1] ?? null;
  return { status, text: page, size: size === undefined ? null : Number(size), realm };
}

function splitResponse(answer: string): [head: string, rest: string] {
  const end = answer.indexOf("\r\n\r\n");
  return end < 0 ? [answer, ""] : [answer.slice(0, end), answer.slice(end + 4)];
}

/**
 * Returns the HTTP status of each site by slug, 0 for no answer. One curl process requests up to {@link atOnce} sites
 * in parallel. Sites that do not answer therefore cost one timeout together, and no command line exceeds the kernel's
 * limit.
 */
export async function statuses(reader: HostReader, projects: readonly Project[]): Promise<Map<string, number>> {
  const codes = new Map<string, number>();
  for (let i = 0; i < projects.length; i += atOnce) {
    const some = projects.slice(i, i + atOnce).map((project) => addressOf({ ...siteFront(project), path: "/" }));
    const words = some.flatMap(({ resolve, url }) => [...resolve, "-o", "/dev/null", url]);
    // Only the status is needed, so the pages are not downloaded.
    const parallel = ["--parallel", "--parallel-max", String(atOnce), "--max-filesize", "1"];
    const form = ["-w", "%{url_effective} %{http_code}\n"];
    const { stdout } = await reader.probe(["curl", ...flags, ...parallel, ...form, ...words]);
    for (const line of stdout.split("\n")) {
      const [url = "", code] = line.split(" ");
      codes.set(url.toLowerCase(), Number(code));
    }
  }
  return new Map(projects.map((project) => [project.slug, codes.get(urlOf(project).toLowerCase()) ?? 0]));
}
