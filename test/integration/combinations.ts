// Sites with every combination of versions, previews, rules, a password and TLS, and what nginx answers for each.

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { acmeDir } from "../../src/nginx/paths.ts";
import { assetsDir, previewsDir, versionsDir } from "../../src/sites/paths.ts";
import {
  type PasswordScope,
  type PreviewMode,
  type Project,
  passwordScopes,
  previewModes,
} from "../../src/sites/project.ts";
import { rulePaths, textsFor } from "../../src/sites/rules/resources.ts";
import { rulesOf } from "../../src/sites/rules/rules.ts";
import { passwordPath } from "../../src/sites/serve/password-lines.ts";
import { vhostLinkPath } from "../../src/sites/serve/site.ts";
import { vhostText } from "../../src/sites/serve/vhost.ts";
import { issue } from "../sites/certificates.ts";
import { project as plain } from "../sites/tree.ts";
import type { TestHost } from "./test-host.ts";

interface Combination {
  slug: string;
  tls: boolean;
  versions: boolean;
  previews: PreviewMode | undefined;
  rules: boolean;
  password: PasswordScope | undefined;
}

const both = [false, true];
const combinations: Combination[] = both
  .flatMap((tls) => both.map((versions) => ({ tls, versions })))
  .flatMap((each) => [undefined, ...previewModes].map((previews) => ({ ...each, previews })))
  .flatMap((each) => both.map((rules) => ({ ...each, rules })))
  .flatMap((each) => [undefined, ...passwordScopes].map((password) => ({ ...each, password })))
  .map((each, i) => ({ slug: `c${i}`, ...each }));

/** The trees that all these sites share. */
const shared = "/var/www/docs/shared";
const certificateDir = "/etc/ssl/shared";
const trees: Readonly<Record<string, string>> = {
  "site/index.html": "site",
  "site/about.html": "about",
  "site/taken.html": "taken",
  "site/page.html": "page",
  "site/404.html": "site: missing",
  "versions/1.4/index.html": "1.4",
  "versions/1.4/page.html": "1.4 page",
  "versions/1.4/404.html": "1.4: missing",
  "versions/1.5/index.html": "1.5",
  "versions/1.5/page.html": "1.5 page",
  "versions/1.5/only.html": "1.5 only",
  "versions/versions.json": "[]",
  "previews/-/fix/index.html": "fix",
  "previews/-/fix/page.html": "fix page",
  "previews/-/fix/404.html": "fix: missing",
  "previews/-/bare/index.html": "bare",
  "assets/kept.js": "kept",
};
const ruleFiles: Readonly<Record<string, string>> = {
  _redirects: "/old /page\n/taken /page\n/page 410!\n/gone 410\n/1.4/moved /1.4/page\n",
  _headers: "/about\n  X-Frame-Options: DENY\n  X-Own: yes\n",
};

/** Writes the sites and reloads nginx. Returns the errors of nginx. */
export function serveCombinations(host: TestHost, http2Parameter: boolean): string {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(host.root + path), { recursive: true });
    writeFileSync(host.root + path, text);
  };
  const certificate = issue({ subject: "shared.test", from: "2020-01-01", to: "2090-01-01" });
  write(`${certificateDir}/fullchain.pem`, certificate.certificate);
  write(`${certificateDir}/privkey.pem`, certificate.key);
  write(`${acmeDir}/.well-known/acme-challenge/token`, "token");
  for (const [path, text] of Object.entries(trees)) write(`${shared}/${path}`, text);
  symlinkSync("1.5", `${host.root}${shared}/versions/latest`);
  const rules = rulesOf((name) => new TextEncoder().encode(ruleFiles[name]));
  for (const each of combinations) {
    const { slug, previews, password, tls } = each;
    const project: Project = {
      ...{ ...plain, slug, domain: `${slug}.test`, root_path: `${shared}/site`, enabled: true, tls },
      ...(previews && { previews }),
      ...(password && { password }),
    };
    for (const [dir, tree] of [
      [assetsDir, "assets"],
      [previewsDir, "previews"],
      [versionsDir, "versions"],
    ]) {
      mkdirSync(host.root + dir, { recursive: true });
      symlinkSync(`${shared}/${tree}`, `${host.root}${dir}/${slug}`);
    }
    if (password) write(passwordPath(slug), "reader:{PLAIN}secret\n");
    const [maps, server] = rulePaths(slug);
    const texts = each.rules ? textsFor(project, rules) : null;
    if (texts !== null) write(maps ?? "", texts.maps);
    if (texts !== null) write(server ?? "", texts.server);
    const serving = {
      ipv6: false,
      http2Parameter,
      certificateDir: tls ? certificateDir : null,
      previewCertificateDir: tls && previews === "host" ? certificateDir : null,
      certifiedPreviews: [],
      rules: each.rules,
      versions: each.versions
        ? { dir: `${versionsDir}/${slug}`, defaultName: "latest", indexed: ["1.5", "latest"] }
        : null,
    };
    write(vhostLinkPath(slug), vhostText(project, serving));
  }
  const last = combinations.at(-1)?.slug;
  const isServed = `curl -sk --connect-to ::127.0.0.1: https://${last}.test/favicon.ico`;
  return host.sh(`exec 2>&1; nginx -t -q && systemctl reload nginx && timeout 10 sh -c 'until ${isServed}; do :; done'`)
    .stdout;
}

/** An answer of nginx. `text`: the page, or where it redirects to; "" for a page of nginx itself. */
interface Answer {
  status: number;
  text: string;
  headers?: Record<string, string>;
}

interface Request {
  name: string;
  path: string;
  signedIn: boolean;
  expected: Answer;
}

const challenge = "/.well-known/acme-challenge/token";
const hidden = "/.hidden";
/** nginx answers these before it asks for a password. */
const open = [challenge, hidden];

/** Returns all requests to a site and its previews, with the answers that are right. */
function requestsOf(each: Combination): Request[] {
  const { slug, versions, previews, rules, password, tls } = each;
  const ok = (text: string): Answer => ({ status: 200, text });
  const moved = (status: number, text: string): Answer => ({ status, text });
  const missing: Answer = { status: 404, text: "site: missing" };
  const missingIn = (text: string): Answer => ({ status: 404, text });
  const site: [string, Answer][] = [
    ["/", versions ? moved(302, "/latest/") : ok("site")],
    ["/index.html", ok("site")],
    ["/about", ok("about")],
    ["/about/", moved(301, "/about")],
    ["/taken", ok("taken")],
    ["/page", rules ? { status: 410, text: "site: missing" } : ok("page")],
    ["/missing", missing],
    ["/missing/", missing],
    ["/old", rules ? moved(301, "/page") : missing],
    ["/old/", rules ? moved(301, "/page") : missing],
    ["/gone", rules ? { status: 410, text: "site: missing" } : missing],
    ["/kept.js", ok("kept")],
    [hidden, { status: 403, text: "" }],
    ["/favicon.ico", { status: 204, text: "" }],
    [challenge, ok("token")],
    ["/only", versions ? moved(302, "/latest/only") : missing],
    ["/only/", versions ? moved(302, "/latest/only/") : missing],
    ["/versions.json", versions ? ok("[]") : missing],
    ["/1.4", versions ? moved(301, "/1.4/") : missing],
    ["/1.4/", versions ? ok("1.4") : missing],
    ["/1.4/page", versions ? ok("1.4 page") : missing],
    ["/1.4/missing", versions ? missingIn("1.4: missing") : missing],
    ["/1.4/missing/", versions ? missingIn("1.4: missing") : missing],
    ["/1.4/moved", rules ? moved(301, "/1.4/page") : versions ? missingIn("1.4: missing") : missing],
    ["/latest/page", versions ? ok("1.5 page") : missing],
    ["/latest/missing", missing],
    ["/-/fix", previews === "path" ? moved(301, "/-/fix/") : missing],
    ["/-/fix/", previews === "path" ? ok("fix") : missing],
    ["/-/fix/page", previews === "path" ? ok("fix page") : missing],
    ["/-/fix/page/", previews === "path" ? moved(301, "/-/fix/page") : missing],
    ["/-/fix/old", previews === "path" ? missingIn("fix: missing") : missing],
    ["/-/fix/missing/", previews === "path" ? missingIn("fix: missing") : missing],
    ["/-/bare/missing", previews === "path" ? missingIn("") : missing],
  ];
  const preview: [string, Answer][] = [
    ["/", ok("fix")],
    ["/page", ok("fix page")],
    ["/page/", moved(301, "/page")],
    ["/old", missingIn("fix: missing")],
    ["/missing/", missingIn("fix: missing")],
    ["/1.4/page", versions ? moved(302, `http${tls ? "s" : ""}://${slug}.test/1.4/page`) : missingIn("fix: missing")],
    ["/9.9/page", missingIn("fix: missing")],
    [hidden, { status: 403, text: "" }],
    [challenge, ok("token")],
  ];
  const request = (name: string, [path, answer]: [string, Answer]): Request[] => {
    const isPreview = name !== `${slug}.test` || (previews === "path" && path.startsWith("/-/"));
    const isProtected = password === "site" || (password === "previews" && isPreview);
    const isOld = versions && name === `${slug}.test` && path.startsWith("/1.4/");
    const isPage = answer.status === 200 && path !== challenge;
    const headers = {
      "cache-control": isPreview ? "private, no-cache" : isProtected ? "private" : "public",
      ...((isPreview || isOld) && { "x-robots-tag": "noindex" }),
      ...(isOld && { link: `<http${tls ? "s" : ""}://${name}/latest${path.slice(4)}>; rel="canonical"` }),
      "x-content-type-options": "nosniff",
      "x-frame-options": rules && path === "/about" ? "DENY" : "SAMEORIGIN",
      ...(rules && path === "/about" && { "x-own": "yes" }),
      ...(tls && name === `${slug}.test` && { "strict-transport-security": "max-age=86400" }),
    };
    const signedIn = { name, path, signedIn: true, expected: { ...answer, ...(isPage && { headers }) } };
    const anonymous = isProtected && !open.includes(path) ? { status: 401, text: "" } : signedIn.expected;
    return [signedIn, { name, path, signedIn: false, expected: anonymous }];
  };
  return [
    ...site.flatMap((each) => request(`${slug}.test`, each)),
    ...(previews === "host" ? preview.flatMap((each) => request(`fix.preview.${slug}.test`, each)) : []),
  ];
}

const separator = "\u001e";
const compared = [
  "cache-control",
  "link",
  "strict-transport-security",
  "x-content-type-options",
  "x-frame-options",
  "x-own",
  "x-robots-tag",
];

function answerIn(response: string, { expected }: Request): Answer {
  const [head = "", ...body] = response.split("\r\n\r\n");
  const status = Number(/^HTTP\/\S+ (\d{3})/.exec(head)?.[1]);
  const location = /^location: (.*?)\r?$/im.exec(head)?.[1];
  const page = body.join("\r\n\r\n");
  const answer: Answer = { status, text: location ?? (page.startsWith("<html>") ? "" : page) };
  if (expected.headers === undefined) return answer;
  const headers: Record<string, string> = {};
  for (const line of head.split("\r\n")) {
    const [, name = "", value = ""] = /^([^:]+): (.*)$/.exec(line) ?? [];
    const key = name.toLowerCase();
    if (!compared.includes(key)) continue;
    // Only the first word of ours depends on the combination. A repeated header is a fault.
    const text = key === "cache-control" && value !== "private, no-cache" ? value.split(",", 1).join("") : value;
    headers[key] = key in headers ? `${headers[key]} and ${text}` : text;
  }
  return { ...answer, headers };
}

/** Returns each answer of nginx that is wrong, with the right one. */
export function wrongAnswers(host: TestHost): { request: string; actual: Answer; expected: Answer }[] {
  return combinations.flatMap((each) => {
    const requests = requestsOf(each);
    return both.flatMap((signedIn) => {
      const asked = requests.filter((request) => request.signedIn === signedIn);
      const lines = asked.map(({ name, path }) => `url = "http${each.tls ? "s" : ""}://${name}${path}"\n`);
      writeFileSync(`${host.root}/srv/requests`, lines.join(""));
      const flags = `-q -k -sS -i --path-as-is --connect-to ::127.0.0.1: ${signedIn ? "-u reader:secret" : ""}`;
      const { stdout } = host.sh(`curl ${flags} -w '${separator}' -K /srv/requests`);
      const answers = stdout.split(separator);
      return asked.flatMap((request, i) => {
        const actual = answerIn(answers[i] ?? "", request);
        if (Bun.deepEquals(actual, request.expected)) return [];
        const { slug, ...features } = each;
        const title = `${request.name}${request.path} ${signedIn ? "with" : "without"} the password, ${JSON.stringify(features)}`;
        return [{ request: title, actual, expected: request.expected }];
      });
    });
  });
}
