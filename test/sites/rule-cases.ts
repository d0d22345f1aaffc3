// Rules and the answers to requests. Tests compare them with the rules' model, and with a real nginx.

/** A request, and what nginx answers: "301 /new", "200 the text of a file", or "404". */
export type Expected = readonly [request: string, answer: string];

export interface RuleCase {
  title: string;
  redirects: string;
  /** The files of the site by path, each with its text. */
  files: Record<string, string>;
  answers: readonly Expected[];
}

const pages = { "index.html": "home", "404.html": "missing", "new.html": "new", "guide/index.html": "guide" };

export const ruleCases: readonly RuleCase[] = [
  {
    title: "a rule redirects with status 301, and to each address of its page",
    redirects: "/old /new\n",
    files: pages,
    answers: [
      ["/old", "301 /new"],
      ["/old/", "301 /new"],
      ["/old.html", "301 /new"],
      ["/old/index.html", "301 /new"],
      ["//old", "301 /new"],
      ["/%6Fld", "301 /new"],
      ["/Old", "404 missing"],
      ["/older", "404 missing"],
      ["/old/x", "404 missing"],
      ["/", "200 home"],
      ["/new", "200 new"],
    ],
  },
  {
    title: "the statuses 301, 302, 303, 307 and 308 redirect",
    redirects: "/a /new 301\n/b /new 302\n/c /new 303\n/d /new 307\n/e /new 308\n",
    files: pages,
    answers: [
      ["/a", "301 /new"],
      ["/b", "302 /new"],
      ["/c", "303 /new"],
      ["/d", "307 /new"],
      ["/e", "308 /new"],
    ],
  },
  {
    title: "the query is passed on, unless the target has one, and a fragment stays last",
    redirects: "/a /new\n/b /new?from=b\n/c /new#top\n/d /new?x=1#top\n",
    files: pages,
    answers: [
      ["/a?x=1&y=%20", "301 /new?x=1&y=%20"],
      ["/b?x=1", "301 /new?from=b"],
      ["/c", "301 /new#top"],
      ["/c?x=1", "301 /new?x=1#top"],
      ["/d?y=2", "301 /new?x=1#top"],
    ],
  },
  {
    title: "* matches the rest of the path, also none, and :splat inserts it",
    redirects: "/blog/* /news/:splat\n/flat/* /new 302\n",
    files: pages,
    answers: [
      ["/blog/2024/a", "301 /news/2024/a"],
      ["/blog/2024/a/", "301 /news/2024/a/"],
      ["/blog/", "301 /news/"],
      ["/blog", "301 /news/"],
      ["/blogs", "404 missing"],
      ["/blog/a?x=1", "301 /news/a?x=1"],
      ["/flat/x/y", "302 /new"],
    ],
  },
  {
    title: "a placeholder matches one segment",
    redirects: "/v/:version/:page/edit /edit/:page?v=:version\n/v/:version/:page /:page/:version\n",
    files: pages,
    answers: [
      ["/v/1.4/intro", "301 /intro/1.4"],
      ["/v/1.4/intro/", "301 /intro/1.4"],
      ["/v/1.4", "404 missing"],
      ["/v/1.4/a/b", "404 missing"],
      ["/v/1.4/intro/edit", "301 /edit/intro?v=:version"],
    ],
  },
  {
    title: "the first rule that matches counts, an exact one before those with placeholders after it",
    redirects: "/blog/first /one\n/blog/:slug /two/:slug\n/blog/* /three\n",
    files: pages,
    answers: [
      ["/blog/first", "301 /one"],
      ["/blog/second", "301 /two/second"],
      ["/blog/a/b", "301 /three"],
    ],
  },
  {
    title: "a file of the site is sent in place of a rule without !",
    redirects: "/new /other\n/guide/* /other\n/* /index.html 200\n",
    files: pages,
    answers: [
      ["/new", "200 new"],
      ["/new.html", "200 new"],
      ["/new/", "301 /new"],
      ["/guide/", "200 guide"],
      ["/guide", "301 /guide/"],
      ["/guide/none", "301 /other"],
      ["/app/settings", "200 home"],
    ],
  },
  {
    title: "a rule with ! precedes files",
    redirects: "/new /other 301!\n/guide/* /closed.html 404!\n/tmp/* /new 200!\n/g 410!\n",
    files: { ...pages, "closed.html": "closed", "tmp/index.html": "tmp", "g.html": "g" },
    answers: [
      ["/new", "301 /other"],
      ["/new.html", "301 /other"],
      ["/guide/", "404 closed"],
      ["/guide/index.html", "404 closed"],
      ["/tmp/", "200 new"],
      ["/tmp/x", "200 new"],
      ["/g", "410 missing"],
      ["/none", "404 missing"],
      ["/", "200 home"],
    ],
  },
  {
    title: "! for every path applies to the page of errors too",
    redirects: "/* /down.html 404!\n",
    files: { ...pages, "down.html": "down" },
    answers: [
      ["/", "404 down"],
      ["/404.html", "404 down"],
      ["/down.html", "404 down"],
      ["/none/x", "404 down"],
    ],
  },
  {
    title: "200, 404 and 410 send a file under the requested address",
    redirects:
      "/app/* /index.html 200\n/docs/:page /guide/:page 200\n/gone /new 410\n/lost /new.html 404\n/away 410\n/away2 404\n",
    files: { ...pages, "guide/setup.html": "setup" },
    answers: [
      ["/app/", "200 home"],
      ["/app/x/y?z=1", "200 home"],
      ["/docs/setup", "200 setup"],
      ["/docs/none", "404 missing"],
      ["/gone", "410 new"],
      ["/lost", "404 new"],
      ["/away", "410 missing"],
      ["/away2", "404 missing"],
    ],
  },
  {
    title: "a site without a page for errors has nginx's own",
    redirects: "/old /new\n/away 410\n/app/* /:splat 200\n",
    files: { "index.html": "home" },
    answers: [
      ["/old", "301 /new"],
      ["/away", "410"],
      ["/none", "404"],
      ["/404.html", "404"],
      ["/app/none", "404"],
    ],
  },
  {
    title: "paths are compared decoded, and targets are percent-encoded",
    redirects: "/café /kaffee/größe\n/a%20b /b%20c\n/%C3%BCber/* /ü/:splat\n/日本/:x /jp/:x 302\n/file/* /:splat 200\n",
    files: { ...pages, "größe.html": "size", "a b.html": "blank" },
    answers: [
      ["/caf%C3%A9", "301 /kaffee/gr%C3%B6%C3%9Fe"],
      ["/caf%c3%a9/", "301 /kaffee/gr%C3%B6%C3%9Fe"],
      ["/a%20b", "200 blank"],
      ["/%C3%BCber/x%20y/%C3%A9", "301 /%C3%BC/x%20y/%C3%A9"],
      ["/%E6%97%A5%E6%9C%AC/1%2B1", "302 /jp/1%2B1"],
      ["/file/gr%C3%B6%C3%9Fe", "200 size"],
      ["/file/a%20b", "200 blank"],
    ],
  },
  {
    title: "a redirect may lead to another host",
    redirects: "/repo https://git.example.org:8443/docs?tab=1#x\n/ext/* https://new.example.org/:splat 302\n",
    files: pages,
    answers: [
      ["/repo?y=1", "301 https://git.example.org:8443/docs?tab=1#x"],
      ["/ext/a/b?x=1", "302 https://new.example.org/a/b?x=1"],
      ["/ext", "302 https://new.example.org/"],
    ],
  },
  {
    title: "no request leads to a host that no rule names",
    redirects: "/x/* /:splat\n/y/:a/* /:splat/:a\n/z/:a /:a\n",
    files: pages,
    answers: [
      ["/x//evil.example/", "404 missing"],
      ["/x/%2Fevil.example/", "301 /%2Fevil.example/"],
      ["/x/\\evil.example/", "404 missing"],
      ["/x/%5Cevil.example/", "301 /%5Cevil.example/"],
      ["/y/evil.example/", "404 missing"],
      ["/y/evil.example", "404 missing"],
      ["/z/%0d%0aSet-Cookie:x", "404 missing"],
      ["/x/%0d%0aSet-Cookie:x=1", "404 missing"],
      ["/x/|/q|301 //evil.example|", "400"],
      ["/q%7C/x|/q|301%20//evil.example|", "404 missing"],
    ],
  },
  {
    title: "files that are not served stay so: hidden ones, leftovers and the rules",
    redirects: "/x/* /:splat 200\n/h/:a/* /h/:splat.git/:a 200\n",
    files: { ...pages, "a.bak": "secret", ".git/config": "secret", "h/.git/y": "secret" },
    answers: [
      ["/_redirects", "404 missing"],
      ["/x/_redirects", "404 missing"],
      ["/x/a.bak", "404 missing"],
      ["/x/.git/config", "403"],
      ["/.git/config", "403"],
      ["/h/y", "404 missing"],
      ["/h/y/", "404 missing"],
      ["/x/%2e%2e/%2e%2e/etc/passwd", "400"],
      ["/.well-known/acme-challenge/token", "404 missing"],
    ],
  },
];

/** Headers that a site sets, and what nginx sends. */
export const headerCase = {
  files: { "index.html": "home", "404.html": "missing", "docs/a.html": "a", "docs/secret/b.html": "b", "app.js": "x" },
  headers: `# every page
/*
  X-Robots-Tag: noindex
  X-Robots-Tag: nofollow
  Referrer-Policy: no-referrer
/docs/*
  Cache-Control: public, max-age=60
  Content-Security-Policy: default-src 'self'; img-src "x" https:
/docs/:part/b
  ! X-Frame-Options
  X-Robots-Tag: all
/*.js
  Link: </a.js>; rel="preload"
`,
  answers: [
    {
      request: "/",
      sent: [
        "X-Robots-Tag: noindex, nofollow",
        "Referrer-Policy: no-referrer",
        "X-Frame-Options: SAMEORIGIN",
        "Cache-Control: public, max-age=0, must-revalidate",
        "X-Content-Type-Options: nosniff",
      ],
      absent: ["link"],
    },
    {
      request: "/docs/a",
      sent: [
        "Cache-Control: public, max-age=60",
        `Content-Security-Policy: default-src 'self'; img-src "x" https:`,
        "X-Frame-Options: SAMEORIGIN",
      ],
      absent: [],
    },
    {
      request: "/docs/secret/b.html",
      sent: ["X-Robots-Tag: all", "Cache-Control: public, max-age=60"],
      absent: ["x-frame-options"],
    },
    { request: "/app.js", sent: [`Link: </a.js>; rel="preload"`, "X-Robots-Tag: noindex, nofollow"], absent: [] },
    { request: "/none", sent: ["X-Robots-Tag: noindex, nofollow", "Referrer-Policy: no-referrer"], absent: ["link"] },
  ],
} as const;
