// Requests each site before and after a restart of nginx, so that a change that breaks one is rolled back.

import type { Step } from "../engine/step.ts";
import type { Host, HostReader } from "../host/host.ts";
import { nginxConfig } from "../nginx/config.ts";
import { Problem } from "../problem/problem.ts";

const mostRequests = 20;
const requestSeconds = 5;
/** The exit code for a program that is not there: see Output. */
const notFound = 127;

/** Returns an address of each server of the configuration. */
function addressesIn(reader: HostReader): string[] {
  const all = nginxConfig(reader).servers.flatMap(({ listens, names, stream }) => {
    const name = names.find((each) => /^[a-z0-9][a-z0-9.-]*$/i.test(each)) ?? "localhost";
    return listens.flatMap(({ text, socket }) => {
      if (stream || /\bproxy_protocol\b/.test(text)) return [];
      return [`${/\bssl\b/.test(text) ? "https" : "http"}://${name}:${socket.replace("[::]:", "")}/`];
    });
  });
  return [...new Set(all)].slice(0, mostRequests);
}

/** Returns the status of the response that nginx on this host sends; 0 for none. Throws a Problem without curl. */
async function statusOf(reader: HostReader, url: string): Promise<number> {
  const { hostname, port, protocol } = new URL(url);
  const resolve = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}:127.0.0.1`;
  const flags = ["-q", "-sS", "-k", "--noproxy", "*", "--max-time", String(requestSeconds), "--resolve", resolve];
  const { code, stdout } = await reader.probe(["curl", ...flags, "-o", "/dev/null", "-w", "%{http_code}", url]);
  if (code === notFound) {
    const message = "curl is not installed, so that no site can be requested before and after the restart of nginx";
    throw new Problem("precondition-failed", message, { hint: ["sudo", "apt-get", "install", "curl"] });
  }
  return Number(stdout) || 0;
}

/** Returns the addresses that serve something, with their status. */
async function servedOn(reader: HostReader): Promise<Map<string, number>> {
  const all = await Promise.all(addressesIn(reader).map(async (url) => [url, await statusOf(reader, url)] as const));
  // What fails before is not the fault of the restrictions.
  return new Map(all.filter(([, status]) => status > 0 && status < 400));
}

/** Returns the step with a request to each site before and after: a site that fails only afterwards rolls it back. */
export function served(step: Step): Step {
  let before = new Map<string, number>();
  return {
    ...step,
    async before(host) {
      before = await servedOn(host);
    },
    async verify(host) {
      for (const [url, status] of before) await demandSame(host, url, status);
    },
  };
}

async function demandSame(host: Host, url: string, status: number): Promise<void> {
  const end = host.now() + requestSeconds * 1000;
  for (;;) {
    const now = await statusOf(host, url);
    if (now === status) return;
    if (host.now() >= end) {
      const message = `${url} answers ${now === 0 ? "nothing" : now} instead of ${status} after the restart of nginx`;
      throw new Problem("not-served", message, { hint: ["sudo", "tail", "/var/log/nginx/error.log"] });
    }
    await host.sleep(100);
  }
}
