// nginx, ready for documentation sites: nobody is served who asks for a name that is not hosted here.

import { type Change, root, Text } from "../engine/change.ts";
import { conffileDigest, installedPackage, packageField } from "../engine/dpkg.ts";
import type { Facts } from "../engine/facts.ts";
import type { Resource, Step, Warn } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { missingDirectories } from "../resources/directory.ts";
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
const nothing = "/dev/null";

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
        text: (see, ahead, warn) => catchAll(see, ahead, warn, facts),
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

function catchAll(see: HostReader, ahead: readonly Change[], warn: Warn, facts: Facts): Text | null {
  const foreign = foreignDefaults(see, ahead);
  for (const { path, line, socket } of foreign) {
    warn(`${path}:${line} answers unknown names on ${socket}: left as it is`);
  }
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

const makeCertificate = [
  ..."openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1".split(" "),
  ..."-days 36500 -subj /CN=unknown -keyout - -out -".split(" "),
];

/** Before 1.19.4 nginx needs some certificate to refuse with: one that nobody is meant to trust, for 100 years. */
function throwawayCertificate(facts: Facts): Resource {
  return {
    name: "nginx:throwaway-certificate",
    title: "nginx can refuse unknown names over TLS",
    async check(see, ahead) {
      if (rejectsHandshakes(see, facts) || see.stat(certificatePath) !== null) return [];
      const { code, stdout, stderr } = await see.probe(makeCertificate);
      // openssl comes with ca-certificates: before that its text can only be promised.
      const promised = ahead.some((change) => change.kind === "packages");
      if (code !== 0 && !promised) throw new Error(`openssl makes no certificate: ${stderr.trim()}`);
      const after = Text.of(stdout, true);
      return [{ kind: "file", path: certificatePath, before: null, after, mode: 0o600, ...root }];
    },
  };
}

/** The distribution's welcome site is not enabled. One that an admin made or changed stays. */
const welcomeSite: Resource = {
  name: "nginx:default-site",
  title: "the distribution's welcome site is off",
  check(see, ahead, warn) {
    const keptOut = ahead.some((change) => change.kind === "link" && change.path === welcomeLinkPath);
    const comes = ahead.some((change) => change.kind === "packages" && change.names.includes("nginx"));
    if (keptOut) return [];
    if (comes && see.stat(welcomeSitePath) === null) {
      return [{ kind: "link", path: welcomeLinkPath, before: welcomeSitePath, after: null }];
    }
    const target = see.readLink(welcomeLinkPath);
    if (target !== null && isPristine(see, target)) {
      return [{ kind: "link", path: welcomeLinkPath, before: target, after: null }];
    }
    if (target !== nothing && see.stat(welcomeLinkPath) !== null) {
      warn(`${welcomeLinkPath} is not the distribution's: left as it is`);
    }
    return [];
  },
};

/**
 * On a kernel without IPv6 nginx cannot be installed as Debian packages it: the welcome site listens on [::], nginx
 * does not start, and its package fails with it. The package makes no link where one is, and nginx reads nothing from
 * this one.
 */
export const welcomeSiteKeptOut: Resource = {
  name: "nginx:without-ipv6",
  title: "nginx comes up without IPv6",
  check(see, ahead) {
    const target = see.readLink(welcomeLinkPath);
    const free = see.stat(welcomeLinkPath) === null || (target !== null && isPristine(see, target));
    if (installedPackage(see, "nginx") !== null || !free) return [];
    return [
      ...missingDirectories(see, ahead, "/etc/nginx/sites-enabled"),
      { kind: "link", path: welcomeLinkPath, before: target, after: nothing },
    ];
  },
};

/** The link leads to the file that the package brought, and nobody has edited that. */
function isPristine(see: HostReader, target: string): boolean {
  if (target !== welcomeSitePath && target !== "../sites-available/default") return false;
  const bytes = see.read(welcomeSitePath);
  const packaged = conffileDigest(see, "nginx-common", welcomeSitePath);
  return bytes !== null && new Bun.CryptoHasher("md5").update(bytes).digest("hex") === packaged;
}
