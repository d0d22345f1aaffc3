// Requests to a site with versions, and what nginx answers.

import type { TestHost } from "./test-host.ts";

/** What nginx answers: the status and the page, or where it redirects to. */
type Answer = { status: number; page?: string; to?: string; canonical?: string; robots?: string };

const noindex = { robots: "noindex" };
const page = (text: string, more: Partial<Answer> = {}): Answer => ({ status: 200, page: text, ...more });
const moved = (status: number, to: string, more: Partial<Answer> = {}): Answer => ({ status, to, ...more });
const old = (path: string): Partial<Answer> => ({ canonical: `http://versioned.test/latest${path}`, ...noindex });
const missing = (text: string): Answer => ({ status: 404, page: text });

/** The commands that make the site: 1.5 is `latest` and the default, and only it has only.html. */
export const versionedSite = `set -e; cd /srv; mkdir -p root/1.4 v1.4/guide v1.4/größe
  echo site >root/index.html; echo about >root/about.html; echo 'site: not found' >root/404.html; echo hidden >root/1.4/old.html
  cp -r v1.4 v1.5; echo 'not found in 1.4' >v1.4/404.html; echo only >v1.5/only.html; echo past >v1.4/past.html
  for v in 1.4 1.5; do for f in index page guide/index größe/index 'a b'; do echo "$v $f" >"v$v/$f.html"; done; echo x >"v$v/app.js"; done
  edox-ops project publish versioned root --domain versioned.test
  edox-ops project deploy versioned v1.4 --as 1.4 --alias latest --default
  edox-ops project deploy versioned v1.5 --as 1.5 --alias latest
  edox-ops project update versioned --noindex-old-versions; edox-ops project deploy versioned root`;

export const versionRequests: Record<string, Answer> = {
  "/": moved(302, "/latest/"),
  "/?q=1": moved(302, "/latest/?q=1"),
  "/index.html": page("site"),
  "/about": page("about"),
  "/1.4": moved(301, "/1.4/", noindex),
  "/1.4/": page("1.4 index", old("/")),
  "/1.4/page": page("1.4 page", old("/page")),
  "/1.4/page.html": page("1.4 page", old("/page.html")),
  "/1.4/page/": moved(301, "/1.4/page", noindex),
  "/1.4/guide/?a=b//c/../d": page("1.4 guide/index", old("/guide/")),
  "/1.4/gr%C3%B6%C3%9Fe/": page("1.4 größe/index", old("/gr%C3%B6%C3%9Fe/")),
  "/1.4/a%20b": page("1.4 a b", old("/a%20b")),
  "/1.4/app.js": page("x", noindex),
  "/1.4/past": page("past", noindex),
  // An address that is not in its normal form has no canonical one.
  "/x/../1.4/page": page("1.4 page", noindex),
  "/1.4//page": page("1.4 page", noindex),
  "/%31.4/page": page("1.4 page", noindex),
  "/1.4/%2e%2e/1.5/page": page("1.5 page"),
  "/1.4/old": missing("not found in 1.4"),
  "/1.4/missing/": missing("not found in 1.4"),
  "/1.4/page%22%3E": missing("not found in 1.4"),
  "/1.4/a%0Ab": missing("not found in 1.4"),
  "/1.5/missing": missing("site: not found"),
  "/1.5/page": page("1.5 page", { canonical: "http://versioned.test/latest/page" }),
  "/latest": moved(301, "/latest/"),
  "/latest/page": page("1.5 page"),
  "/latest/missing": missing("site: not found"),
  "/guide": moved(302, "/latest/guide"),
  "/guide/?x=1": moved(302, "/latest/guide/?x=1"),
  "/only": moved(302, "/latest/only"),
  "/only/": moved(302, "/latest/only/"),
  "/gr%C3%B6%C3%9Fe/": moved(302, "/latest/gr%C3%B6%C3%9Fe/"),
  "/missing": missing("site: not found"),
  "//evil.test/page": missing("site: not found"),
  "/versions.json": page("["),
  "/1.4/.hidden": { status: 403 },
  "/.titles.json": { status: 403 },
};

/** Returns the answers of nginx, with the same keys as expected ones. */
export function versionAnswers(host: TestHost, flags = ""): Record<string, Answer> {
  const curl = `curl -qsS --path-as-is --resolve versioned.test:80:127.0.0.1 ${flags} -o /tmp/page`;
  const form = "%{http_code}|%header{location}|%header{link}|%header{x-robots-tag}";
  const lines = Object.keys(versionRequests).map((path) => {
    return `: >/tmp/page; ${curl} -w '${form}|' 'http://versioned.test${path}'; head -1 /tmp/page; echo`;
  });
  const { stdout } = host.sh(lines.join("\n"));
  const answers = stdout.split(/\n+/).filter(Boolean);
  return Object.fromEntries(
    Object.entries(versionRequests).map(([path, expected], i) => {
      const [status, to = "", link = "", robots = "", text = ""] = answers[i]?.split("|") ?? [];
      const canonical = /^<(.*)>; rel="canonical"$/.exec(link)?.[1] ?? link;
      const answer: Answer = { status: Number(status) };
      if (to) answer.to = to;
      else if (expected.page !== undefined) answer.page = text;
      if (canonical && Number(status) === 200) answer.canonical = canonical;
      if (robots) answer.robots = robots;
      return [path, answer];
    }),
  );
}
