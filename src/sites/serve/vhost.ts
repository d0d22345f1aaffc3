// Generates the nginx site of a project.

import { tlsPath, typesPath } from "../../nginx/paths.ts";
import { acmeLocation, brotliInclude, server } from "../../nginx/text.ts";
import { previewHostOf } from "../previews/names.ts";
import { namesOf, type Project } from "../project.ts";
import { headerLine } from "../rules/header-maps.ts";
import { accessLogPath } from "./access-log.ts";
import { certificateDirOf } from "./certificate-files.ts";
import { clientAddress, clientLimits, clientZone } from "./client-limits.ts";
import { locations } from "./locations.ts";
import { type Part, sitePart } from "./part.ts";
import { previewHosts } from "./preview-lines.ts";
import { ruleMapsInclude, ruleServerInclude } from "./rule-lines.ts";
import { ownHeaders } from "./site-headers.ts";
import { type ServedVersions, withVersions, withVersionsElsewhere } from "./version-lines.ts";

/** Properties of the host that the generated text depends on. */
interface Serving {
  ipv6: boolean;
  /** Directory of the certificate; null to serve over HTTP only. */
  certificateDir: string | null;
  /** Directory of the certificate for previews with host names; null to serve them over HTTP only. */
  previewCertificateDir: string | null;
  /** The previews with host names that have a certificate of their own. */
  certifiedPreviews: readonly string[];
  /** Whether the tree has rules: then the page of errors and the headers are in a file beside them. */
  rules: boolean;
  /** Whether http2 is a parameter of listen, as before nginx 1.25.1, and not a directive. */
  http2Parameter: boolean;
  /** The versions of the site; null if it has none. */
  versions: ServedVersions | null;
}

/**
 * For this long after a visit, a browser accepts neither HTTP nor a faulty certificate from the site. A day limits the
 * effect of a mistake; a year is opt-in.
 */
function hstsSeconds({ hsts }: Project): number {
  const day = 24 * 60 * 60;
  return hsts === true ? 365 * day : day;
}

/** Returns the text of the nginx site. With a certificate, the server on port 80 redirects to HTTPS. */
export function vhostText(project: Project, serving: Serving): string {
  const { certificateDir } = serving;
  const head = [
    `# Written by edox-ops for the project ${project.slug}. A change made here is replaced by its next change;`,
    "# the replaced file is kept under /etc/edox-ops/replaced.",
    `${clientZone(project)}${serving.rules ? ruleMapsInclude(project.slug) : ""}`,
  ].join("\n");
  const previews = project.previews === "host" ? previewServers(project, serving) : "";
  if (certificateDir === null)
    return head + server([...listens("80", project, serving), ...site(project, serving)]) + previews;
  const plain = redirect(project, serving, sitePart(project));
  return `${head}${plain}\n${server([...tls(project, serving, certificateDir), ...site(project, serving)])}${previews}`;
}

/**
 * Returns the servers of all previews that have host names. No HSTS is sent, because the previews are served over plain
 * HTTP again when their certificate is gone.
 */
function previewServers(project: Project, serving: Serving): string {
  const own = { ...project, default: false };
  const plain = { ...serving, certificateDir: null, rules: false };
  const [part, dir] = [previewPart(project, serving), serving.previewCertificateDir];
  if (dir === null) {
    const certified = certifiedServers(own, serving).map((each) => `\n${each}`);
    return `${certified.join("")}\n${server([...listens("80", own, plain), ...site(own, plain, part)])}`;
  }
  return `\n${redirect(own, serving, part)}\n${server([...tls(own, serving, dir), ...site(own, plain, part)])}`;
}

/**
 * Returns the servers of the previews that have a certificate of their own. nginx uses the first regular expression that
 * matches, so that they come before the server of all previews.
 */
function certifiedServers(project: Project, serving: Serving): string[] {
  const names = serving.certifiedPreviews;
  if (names.length === 0) return [];
  const plain = { ...serving, certificateDir: null, rules: false };
  const secure = names.map((name) => {
    const dir = certificateDirOf({ domain: previewHostOf(project, name) });
    return server([...tls(project, serving, dir), ...site(project, plain, previewPart(project, serving, [name]))]);
  });
  return [redirect(project, serving, previewHosts(project, names)), ...secure];
}

/** Returns the part that is previews with host names, by default all of them. They list the versions of the site. */
function previewPart(project: Project, serving: Serving, names?: readonly string[]): Part {
  const part = previewHosts(project, names);
  const { versions } = serving;
  return versions === null ? part : withVersionsElsewhere(part, versions, originOf(project, serving));
}

/** Returns the server on port 80 that redirects to HTTPS. */
function redirect(project: Project, serving: Serving, part: Part): string {
  return server([
    ...listens("80", project, serving),
    ...names(project, part.name),
    ...clientAddress(project),
    ...acme(part.challenges),
    "",
    "location / {",
    "    return 308 https://$host$request_uri;",
    "}",
  ]);
}

function listens(port: string, project: Project, { ipv6 }: Serving, words = ""): string[] {
  const all = project.default === true ? `${words} default_server` : words;
  return [port, ...(ipv6 ? [`[::]:${port}`] : [])].map((socket) => `listen ${socket}${all};`);
}

function names(project: Project, name = namesOf(project).join(" ")): string[] {
  return [`server_name ${name};`, "server_tokens off;", `access_log ${accessLogPath(project.slug)} combined;`];
}

function tls(project: Project, serving: Serving, certificateDir: string): string[] {
  const words = serving.http2Parameter ? " ssl http2" : " ssl";
  return [
    ...listens("443", project, serving, words),
    ...(serving.http2Parameter ? [] : ["http2 on;"]),
    `ssl_certificate ${certificateDir}/fullchain.pem;`,
    `ssl_certificate_key ${certificateDir}/privkey.pem;`,
    `include ${tlsPath};`,
  ];
}

/**
 * Precedes the rule against hidden files. An older set-up has certbot write to the root of the site. An ACME server
 * sends no password.
 */
function acme(root: string, isProtected = false): string[] {
  const open = isProtected ? ["auth_basic off;"] : [];
  return [
    "",
    ...acmeLocation("@challenge_in_root", open),
    "location @challenge_in_root {",
    ...open.map((line) => `    ${line}`),
    `    root ${root};`,
    "    default_type text/plain;",
    "    try_files $uri =404;",
    "}",
  ];
}

/** Returns the part that is the site, with its versions. */
function versionedPart(project: Project, { certificateDir, versions }: Serving): Part {
  const part = sitePart(project);
  return versions === null ? part : withVersions(part, versions, originOf(project, { certificateDir }));
}

function originOf({ domain }: Project, { certificateDir }: Pick<Serving, "certificateDir">): string {
  return `${certificateDir === null ? "http" : "https"}://${domain}`;
}

function site(project: Project, serving: Serving, part: Part = versionedPart(project, serving)): string[] {
  const { certificateDir, rules } = serving;
  const [caching, ...others] = ownHeaders(project, part).map((header) => headerLine(header));
  return [
    ...names(project, part.name),
    ...clientAddress(project),
    ...part.before,
    ...part.password,
    `root ${part.root};`,
    "index index.html;",
    ...(rules ? [] : [`error_page 404 ${part.prefix}/404.html;`]),
    "charset utf-8;",
    `include ${typesPath};`,
    "autoindex off;",
    "# A redirect to a folder keeps the name and the scheme that the reader came by.",
    "absolute_redirect off;",
    "client_max_body_size 1m;",
    "",
    "if ($request_method !~ ^(GET|HEAD)$) {",
    "    return 405;",
    "}",
    "",
    ...clientLimits(project),
    "gzip on;",
    "gzip_static on;",
    "# Has no effect without nginx's module for brotli.",
    brotliInclude,
    "# Proxies announce themselves with Via, and nginx would not compress for them.",
    "gzip_proxied any;",
    "gzip_vary on;",
    "gzip_comp_level 5;",
    "gzip_min_length 256;",
    "",
    ...part.caching.lines,
    ...(rules ? ruleServerInclude(project.slug, part) : [caching ?? ""]),
    ...part.headers,
    ...(rules ? [] : others),
    ...(certificateDir === null
      ? []
      : [`add_header Strict-Transport-Security "max-age=${hstsSeconds(project)}" always;`]),
    ...acme(part.challenges, part.password.length > 0),
    "",
    ...locations(part, rules),
    ...part.after,
  ];
}
