// Requests a file of this host by a name of a certificate, as a certificate authority does.

import type { HostReader } from "../../host/host.ts";
import { oneLine } from "../../text/lines.ts";
import { shorten } from "../errors/explanation.ts";
import { familyOf, isLocal } from "./addresses.ts";

export const dnsLimitMs = 5000;
const fetchSeconds = 5;
/** Child processes at once. A certificate has at most 100 names. */
const atOnce = 16;
const mostRedirects = 10;
/** A token is shorter, and so is the address of a redirect. The server decides how much it sends. */
const enoughBytes = 16 * 1024;

/** What came back for a name over one of its addresses. `why`: null for the token. */
export interface Answer {
  name: string;
  address: string;
  why: string | null;
  /** The status of another response, or 0. */
  status: number;
}

/** Requests the token by each name over each of its addresses, until some have failed: the DNS decides how many there are. */
export async function fetchAll(reader: HostReader, names: readonly string[], token: string): Promise<Answer[]> {
  const found = await Promise.all(names.map((name) => reader.resolve(name, { limitMs: dnsLimitMs })));
  const pairs = names.flatMap((name, i) => (found[i]?.addresses ?? []).map((address) => ({ name, address })));
  const answers: Answer[] = [];
  for (let i = 0; i < pairs.length && answers.every(({ why }) => why === null); i += atOnce) {
    answers.push(...(await Promise.all(pairs.slice(i, i + atOnce).map((pair) => fetchToken(reader, pair, token)))));
  }
  return answers;
}

/**
 * Follows the redirects that certificate authorities follow: to the ports of HTTP and HTTPS of a name. Another server
 * decides where they lead, so this host sends nothing to its own network for it.
 */
async function fetchToken(
  reader: HostReader,
  { name, address }: Pick<Answer, "name" | "address">,
  token: string,
): Promise<Answer> {
  const answer = (why: string | null, status: number): Answer => ({ name, address, why, status });
  const local = whyLocal(address);
  if (local !== null) return answer(local, 0);
  let target: Target = { url: `http://${name}/.well-known/acme-challenge/${token}`, name, address };
  for (let redirects = 0; ; redirects += 1) {
    const { code, stdout, stderr } = await request(reader, target);
    const end = stdout.lastIndexOf("\n");
    const [, code3 = "0", redirect = ""] = /^\n(\d{3}) (.*)$/.exec(stdout.slice(Math.max(0, end))) ?? [];
    const status = Number(code3);
    if (code !== 0 || redirect === "") {
      const isToken = code === 0 && stdout.slice(0, end).trim() === token;
      return answer(isToken ? null : whyNot(code, status, stderr), status);
    }
    const next = redirects === mostRedirects ? null : await followed(reader, redirect, { name, address });
    if (next === null) return answer(`it redirects to ${shorten(redirect)}, which authorities do not follow`, status);
    target = next;
  }
}

/** Returns why no other host can request a file over this address, or null. */
export function whyLocal(address: string): string | null {
  return isLocal(address) ? "other hosts cannot reach such an address" : null;
}

interface Target {
  url: string;
  name: string;
  address: string;
}

/** Returns where a redirect leads, or null if certificate authorities do not follow it. */
async function followed(
  reader: HostReader,
  redirect: string,
  origin: Pick<Target, "name" | "address">,
): Promise<Target | null> {
  if (!URL.canParse(redirect)) return null;
  const { protocol, port, hostname, href } = new URL(redirect);
  const isAddress = /^[\d.]+$|^\[/.test(hostname);
  if (!/^https?:$/.test(protocol) || !/^(?:|80|443)$/.test(port) || isAddress) return null;
  if (hostname === origin.name.toLowerCase()) return { ...origin, url: href };
  const { addresses } = await reader.resolve(hostname, { limitMs: dnsLimitMs });
  const [address] = addresses;
  return address === undefined || isLocal(address) ? null : { url: href, name: hostname, address };
}

/** Accepts any certificate, as certificate authorities do. -q is first, so that root's own .curlrc is not read. */
function request(reader: HostReader, { url, name, address }: Target) {
  const to = familyOf(address) === 6 ? `[${address}]` : address;
  const resolve = [80, 443].flatMap((port) => ["--resolve", `${name}:${port}:${to}`]);
  const flags = ["-q", "-sSgk", "--noproxy", "*", "--max-time", String(fetchSeconds), "--proto", "=http,https"];
  const form = ["-w", "\n%{http_code} %{redirect_url}"];
  const options = { limitMs: (fetchSeconds + 1) * 1000, enoughBytes };
  return reader.probe(["curl", ...flags, ...resolve, ...form, url], options);
}

function whyNot(code: number, status: number, stderr: string): string {
  if (code === 7) return /unreachable|No route/i.test(stderr) ? "there is no route to it" : "connection refused";
  if (code === 28) return "timed out: a firewall?";
  if (code === 52) return "the connection was closed without a response";
  if (status !== 0 && status !== 200) return `it answers with status ${status}`;
  if (code === 0) return "it answers with another text";
  return oneLine(stderr).replace(/^curl: \(\d+\) /, "");
}
