// Whether a site answers as it should, asked of the nginx of this host under the site's name.

import type { HostReader } from "../host/host.ts";
import type { Project } from "./project.ts";

const limitSeconds = 5;

/** The front page that nginx gives for a project's name; the reason in words where it gives none. */
export async function frontPage(
  see: HostReader,
  { domain, tls }: Project,
): Promise<{ page: string } | { why: string }> {
  const port = tls ? 443 : 80;
  const url = `${tls ? "https" : "http"}://${domain}/`;
  const flags = [
    "-sSfk",
    "--noproxy",
    "*",
    "--max-time",
    String(limitSeconds),
    "--resolve",
    `${domain}:${port}:127.0.0.1`,
  ];
  const { code, stdout, stderr } = await see.probe(["curl", ...flags, url]);
  return code === 0
    ? { page: stdout }
    : { why: `${url} does not answer: ${stderr.trim().replace(/^curl: \(\d+\) /, "")}` };
}
