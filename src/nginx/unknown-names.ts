// Manages the default server: requests for unknown names are closed without a response.

import { type Change, root, Text } from "../engine/change.ts";
import type { Facts } from "../engine/facts.ts";
import { overlay } from "../engine/overlay.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import type { Warn } from "../problem/requirement.ts";
import { portHolder } from "../resources/port.ts";
import { ourSites } from "./affected-sites.ts";
import { type Listen, nginxConfig, type ServerBlock } from "./config.ts";
import { catchAllPath, certificatePath } from "./paths.ts";
import { catchAllText } from "./text.ts";
import { hasHttp2Parameter, nginxSince } from "./version.ts";

/** nginx's changelog: ssl_reject_handshake was added in 1.19.4. */
const rejectHandshakeSince = "1.19.4";

function rejectsHandshakes(reader: HostReader, facts: Facts): boolean {
  return nginxSince(reader, facts, rejectHandshakeSince);
}

/**
 * Returns the default server for all sockets on which no foreign server handles unknown names, or null if there are
 * none.
 */
export function catchAllSite(reader: HostReader, ahead: readonly Change[], warn: Warn, facts: Facts): Text | null {
  const all = facts.ipv6 ? ["80", "[::]:80", "443", "[::]:443"] : ["80", "443"];
  const { servers } = nginxConfig(overlay(reader, ahead));
  const sockets = freePorts(reader, all, servers, warn);
  if (sockets.length === 0) return null;
  return Text.of(
    catchAllText({
      sockets,
      certificatePath: rejectsHandshakes(reader, facts) ? null : certificatePath,
      http2: hasHttp2Parameter(reader, facts) ? http2Sockets(servers) : [],
    }),
  );
}

/**
 * Returns the sockets on which another server has the parameter http2. nginx 1.24 warns if those of one socket differ.
 * The parameter applies to all servers of a socket, so that ours does not add it to foreign ones.
 */
function http2Sockets(servers: readonly ServerBlock[]): string[] {
  const listens = servers.flatMap((each) => each.listens).filter(({ path }) => path !== catchAllPath);
  return listens.filter(({ text }) => /\shttp2(?:\s|$)/.test(text)).map(({ socket }) => socket);
}

function freePorts(reader: HostReader, all: readonly string[], servers: readonly ServerBlock[], warn: Warn): string[] {
  const isOurs = ({ path }: Listen): boolean => path === catchAllPath;
  const ownSockets = servers.flatMap(({ listens }) => listens.filter(isOurs)).map(({ socket }) => socket);
  const others = servers.flatMap(({ listens, names, stream }) =>
    listens.filter((each) => !isOurs(each)).map((each) => ({ ...each, names, stream })),
  );
  const web = ownSockets.includes("443") ? null : portHolder(reader, 443, "nginx");
  if (web !== null) warn(`port 443 is taken by ${web}: unknown names are left to it there`);

  return all.filter((socket) => {
    if (web !== null && socket.endsWith("443")) return false;
    const here = others.filter((each) => each.socket === socket);
    // A reload cannot replace a socket on a single address by one on all addresses.
    const single = ownSockets.includes(socket) || here.some(({ wildcard }) => wildcard) ? undefined : here[0];
    const claims = here.find((each) => each.wildcard && (each.isDefault || each.stream || isNameless(each.names)));
    const both = others.find((each) => each.both && each.wildcard && each.socket === `[::]:${socket}`);
    const taken = claims ?? single;
    // This project was configured to serve unknown names, so no warning is due.
    const isOursAlready = taken?.isDefault && taken.path.startsWith(ourSites);
    if (taken && !isOursAlready)
      warn(`${taken.path}:${taken.line} (${taken.text}) answers unknown names on ${socket}: left as it is`);
    return taken === undefined && both === undefined;
  });
}

/** Returns whether a server has no real name. nginx sends unknown names to such a server if no default one exists. */
function isNameless(names: readonly string[]): boolean {
  return names.every((name) => name === "_" || name === "");
}

const makeCertificate = [
  ..."openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1".split(" "),
  ..."-days 36500 -subj /CN=unknown -keyout - -out -".split(" "),
];

/**
 * Returns a resource for the certificate that nginx before 1.19.4 needs to refuse a TLS connection. It is not meant to
 * be trusted and is valid for 100 years.
 */
export function throwawayCertificate(facts: Facts): Resource {
  return {
    name: "nginx:throwaway-certificate",
    title: "nginx can refuse unknown host names over TLS",
    async check(reader, ahead) {
      if (rejectsHandshakes(reader, facts) || reader.stat(certificatePath) !== null) return [];
      const { code, stdout, stderr } = await reader.probe(makeCertificate);
      // openssl is a dependency of ca-certificates. Until that is installed, the certificate can only be announced.
      const promised = ahead.some((change) => change.kind === "packages");
      if (code !== 0 && !promised)
        throw new Problem("command-failed", `openssl makes no certificate: ${stderr.trim()}`);
      const after = Text.of(stdout, true);
      return [{ kind: "file", path: certificatePath, before: null, after, mode: 0o600, ...root }];
    },
  };
}
