// nginx, ready for documentation sites: nobody is served who asks for a name that is not hosted here.

import { type Change, Text } from "../engine/change.ts";
import { conffileDigest, installedPackage, packageField } from "../engine/dpkg.ts";
import type { Facts } from "../engine/facts.ts";
import type { Resource, Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { file } from "../resources/file.ts";
import { service } from "../resources/service.ts";
import { type DefaultServer, defaultServers } from "./nginx-config.ts";
import { emergency, tookFiles } from "./nginx-running.ts";
import { catchAllText, limitsText } from "./nginx-text.ts";
import { replacedDir } from "./paths.ts";

const limitsPath = "/etc/nginx/conf.d/edox-ops-limits.conf";
const catchAllPath = "/etc/nginx/conf.d/edox-ops-default.conf";
const certificatePath = "/etc/edox-ops/unknown-names.pem";
const welcomeSitePath = "/etc/nginx/sites-available/default";
const welcomeLinkPath = "/etc/nginx/sites-enabled/default";

/** What each release ships, for a look at a host where nginx is not installed yet. */
const shipped: Record<string, string> = { jammy: "1.18.0", bookworm: "1.22.1", noble: "1.24.0", trixie: "1.26.3" };
const newest = "1.28.0";
/** nginx's changelog: ssl_reject_handshake came with 1.19.4. */
const rejectHandshakeSince = "1.19.4";

export function nginxPrepare(facts: Facts): Step {
  return {
    id: "nginx.prepare",
    title: "nginx is enabled, answers no unknown name, and limits floods",
    wants: [
      file({
        name: "nginx:limits",
        title: "the limits of the sites are known",
        path: limitsPath,
        mode: 0o644,
        keepDir: replacedDir,
        text: () => Text.of(limitsText),
      }),
      throwawayCertificate(facts),
      welcomeSite,
      file({
        name: "nginx:unknown-names",
        title: "an unknown name is answered by nothing",
        path: catchAllPath,
        mode: 0o644,
        keepDir: replacedDir,
        text: (see, ahead) => catchAll(see, ahead, facts),
        warn: (see, ahead) => {
          const [foreign] = foreignDefaults(see, ahead);
          return foreign
            ? `${foreign.path}:${foreign.line} answers unknown names on ${foreign.socket}: left as it is`
            : null;
        },
      }),
      service({
        unit: "nginx",
        name: "nginx:active",
        test: ["nginx", "-t", "-q"],
        owns: (path) => path.startsWith("/etc/nginx/") || path === certificatePath,
        taken: (see) => tookFiles(see, [limitsPath, catchAllPath]),
        explain: emergency,
      }),
    ],
  };
}

/** The running nginx has loaded our default server, so that it has the ports of it. */
export function nginxServes(see: HostReader): boolean {
  return see.stat(catchAllPath) !== null && tookFiles(see, [catchAllPath]);
}

function rejectsHandshakes(see: HostReader, { codename }: Facts): boolean {
  const found = installedPackage(see, "nginx");
  const version = (found && packageField(found, "Version")?.match(/\d+\.\d+\.\d+/)?.[0]) ?? shipped[codename] ?? newest;
  return Bun.semver.order(version, rejectHandshakeSince) >= 0;
}

function catchAll(see: HostReader, ahead: readonly Change[], facts: Facts): Text | null {
  const foreign = foreignDefaults(see, ahead);
  const all = facts.ipv6 ? ["80", "[::]:80", "443", "[::]:443"] : ["80", "443"];
  const sockets = all.filter((socket) => !foreign.some((each) => each.socket === socket));
  if (sockets.length === 0) return null;
  return Text.of(catchAllText({ sockets, certificatePath: rejectsHandshakes(see, facts) ? null : certificatePath }));
}

/** Default servers that are not ours, and not about to be unlinked. */
function foreignDefaults(see: HostReader, ahead: readonly Change[]): DefaultServer[] {
  const unlinked = ahead.flatMap((change) => (change.kind === "link" && change.after === null ? [change.path] : []));
  return defaultServers(see).filter(({ path }) => path !== catchAllPath && !unlinked.includes(path));
}

/** Before 1.19.4 nginx needs some certificate to refuse with: one that nobody is meant to trust, for 100 years. */
function throwawayCertificate(facts: Facts): Resource {
  return {
    name: "nginx:throwaway-certificate",
    title: "nginx can refuse unknown names over TLS",
    async check(see) {
      if (rejectsHandshakes(see, facts) || see.stat(certificatePath) !== null) return [];
      const days = "36500";
      const { code, stdout } = await see.probe(
        `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days ${days} -subj /CN=unknown -keyout - -out -`.split(
          " ",
        ),
      );
      const after = Text.of(code === 0 ? stdout : "", true);
      return [{ kind: "file", path: certificatePath, before: null, after, mode: 0o600, uid: 0, gid: 0 }];
    },
  };
}

/** The distribution's welcome site is not enabled. One that an admin made or changed stays. */
const welcomeSite: Resource = {
  name: "nginx:default-site",
  title: "the distribution's welcome site is off",
  check(see, ahead) {
    const target = see.readLink(welcomeLinkPath);
    const comes = ahead.some((change) => change.kind === "packages" && change.names.includes("nginx"));
    if (comes && see.stat(welcomeSitePath) === null) {
      return [{ kind: "link", path: welcomeLinkPath, before: welcomeSitePath, after: null }];
    }
    if (target === null || !isPristine(see)) return [];
    return [{ kind: "link", path: welcomeLinkPath, before: target, after: null }];
  },
  warn: (see) =>
    see.stat(welcomeLinkPath) !== null && !isPristine(see)
      ? `${welcomeLinkPath} is not the distribution's: left as it is`
      : null,
};

/** It leads to the file that the package brought, and nobody has edited that. */
function isPristine(see: HostReader): boolean {
  const target = see.readLink(welcomeLinkPath);
  if (target !== welcomeSitePath && target !== "../sites-available/default") return false;
  const bytes = see.read(welcomeSitePath);
  const packaged = conffileDigest(see, "nginx-common", welcomeSitePath);
  return bytes !== null && new Bun.CryptoHasher("md5").update(bytes).digest("hex") === packaged;
}
