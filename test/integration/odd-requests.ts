// Requests that no browser sends, byte by byte, with the responses of a site.

import type { TestHost } from "./test-host.ts";

/** The content of each file that a site must not serve. */
export const hidden = "hidden-canary";

/** The files that a site needs for {@link oddRequests}, besides a page and a directory `guide`. */
export const hiddenFiles = `mkdir -p .git guide/evil.test && for file in .env a.bak .git/config .well-known/.env guide/.x
  do echo ${hidden} >$file; done; echo e >guide/evil.test/index.html`;

const closed = "closed without an answer";
const own = "Host: demo.test";
const request = (line: string, headers = own, body = ""): string => `${line}\r\n${headers}\r\n\r\n${body}`;
const get = (path: string, headers = own): string => request(`GET ${path} HTTP/1.1`, `${headers}\r\nConnection: close`);
/** A second request that is hidden in the body of the first one. */
const smuggled = request("GET /guide/one HTTP/1.1");
const withBody = (headers: string, body = `0\r\n\r\n${smuggled}`): string =>
  request("GET / HTTP/1.1", `${own}\r\n${headers}`, body);

/** The expected response: the status and the redirect. */
type Expected = [string, readonly string[]];

export const oddRequests: Record<string, readonly Expected[]> = {
  "odd requests: a hidden file is served under no spelling of its path": [
    [
      "403",
      [
        ...[
          "/.env",
          "/%2eenv",
          "/%2Eenv",
          "//.env",
          "/./.env",
          "/guide/../.env",
          "/guide/%2e%2e/.env",
          "/guide//..//.env",
        ],
        ...[
          "/.env/",
          "/.env%20",
          "/.env?x",
          "/.env;x",
          "/.env#x",
          "/.ENV",
          "/.well-known/../.env",
          "/.well-known/.env",
        ],
        ...["/.git/config", "/.git%2fconfig", "/%2e%67it/config", "/guide/.x", "http://demo.test/.env"],
      ].map((path) => get(path)),
    ],
    // Editor leftovers, which are answered as if they did not exist.
    ["404", ["/a.bak", "/a.BAK", "/a%2ebak", "/a.bak/", "/\\.env"].map((path) => get(path))],
    ["400", ["/.env%00", "/.env%00.html", "/.env\0", "/\0", "/\x01"].map((path) => get(path))],
  ],
  "odd requests: no path leads out of the tree": [
    [
      "400",
      [
        ...[
          "/../../../etc/passwd",
          "/%2e%2e/%2e%2e/etc/passwd",
          "/..%2f..%2fetc%2fpasswd",
          "/guide/../../../etc/passwd",
        ],
        ...["http://demo.test/../../etc/passwd", "..", "../etc/passwd", "/../.edox-ops-backups/"],
      ].map((path) => get(path)),
    ],
    ["403", ["/guide/..%5c..%5c", "/.../"].map((path) => get(path))],
    ["404", ["/%252e%252e/etc/passwd", "/%c0%ae%c0%ae/etc/passwd", "/etc/passwd"].map((path) => get(path))],
  ],
  "odd requests: every redirect leads to a path of the site": [
    [
      "301 /guide/",
      [
        ...["/guide", "//guide", "///guide", "/%2fguide", "//evil.test/..%2fguide", "//evil.test/%2e%2e/guide"],
        "/%5cevil.test/%2e%2e/guide",
      ].map((path) => get(path)),
    ],
    ["301 /guide/", [get("/guide", `${own}\r\nX-Forwarded-Host: evil.test\r\nX-Forwarded-Proto: ftp`)]],
    ["301 /guide/evil.test/", ["/guide/evil.test", "//guide//evil.test"].map((path) => get(path))],
    ["404", ["//evil.test", "/\\evil.test", "/%5cevil.test", "/@evil.test"].map((path) => get(path))],
  ],
  "odd requests: a line break in a URL adds no header": [
    ["404", ["/guide%0d%0aSet-Cookie:x", "/guide%0d%0a%0d%0ax"].map((path) => get(path))],
    ["301 /guide/", [get("/%0d%0aSet-Cookie:x/../guide")]],
    ["301 /guide/?%0d%0aSet-Cookie:x", [get("/guide?%0d%0aSet-Cookie:x")]],
    ["400", ["/guide\rSet-Cookie: x", "/guide\r\rx"].map((path) => get(path))],
  ],
  "odd requests: a foreign or invalid host name gets no page": [
    [
      closed,
      [
        get("/", "Host: x.test"),
        get("/", "Host: x@demo.test"),
        get("http://x.test/"),
        request("GET / HTTP/1.0", "X: y"),
      ],
    ],
    [closed, ["GET /\r\n"]],
    ["200", ["DEMO.TEST", "demo.test:99", "demo.test."].map((name) => get("/", `Host: ${name}`))],
    ["400", ["demo.test/x", "demo.test x", "demo.test\0x", "..", ""].map((name) => get("/", `Host: ${name}`))],
    [
      "400",
      [
        get("/", `${own}\r\n${own}`),
        get("/", `${own}\r\nHost: x.test`),
        get("/", "X: y"),
        get("/", "Host : demo.test"),
      ],
    ],
  ],
  "odd requests: a request that two servers could split differently is refused": [
    [
      "400",
      [
        ...["Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4"],
        ...[
          "Content-Length: 0\r\nContent-Length: 5",
          "Content-Length: -1",
          "Content-Length: +0",
          "Content-Length: 0x0",
        ],
        ...["Content-Length: 0, 5", "Content-Length : 5", "Transfer-Encoding : chunked"],
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
      ].map((headers) => withBody(headers)),
    ],
    [
      "400",
      ["zz", "ffffffffffffffff"].map((size) => withBody("Transfer-Encoding: chunked", `${size}\r\n\r\n${smuggled}`)),
    ],
    ["400", [request("GET / HTTP/1.0", `${own}\r\nTransfer-Encoding: chunked`, `0\r\n\r\n${smuggled}`)]],
    ["400", [get("/", `${own}\r\n folded: x`)]],
    ["501", ["xchunked", "identity, chunked", "\x0bchunked"].map((coding) => withBody(`Transfer-Encoding: ${coding}`))],
    ["200", [withBody(`Content-Length: ${smuggled.length}`, smuggled)]],
  ],
  "odd requests: only GET and HEAD are allowed": [
    [
      "405",
      ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "MOVE", "TRACE", "CONNECT", "FOO"].map((method) =>
        request(`${method} / HTTP/1.1`, `${own}\r\nConnection: close`),
      ),
    ],
    ["400", ["get", "GET\t", "G\0T"].map((method) => request(`${method} / HTTP/1.1`))],
    ["505", [request("GET / HTTP/2.0")]],
    ["200", [request("HEAD / HTTP/1.1", `${own}\r\nConnection: close`)]],
  ],
  "odd requests: an unsatisfiable range is refused, and too many ranges return the whole page": [
    ["206", ["0-0", "-1", "0-0,1-1"].map((range) => get("/", `${own}\r\nRange: bytes=${range}`))],
    [
      "416",
      ["99999-", "-0", "2-1", "9223372036854775808-", "-99999999999999999999"].map((range) =>
        get("/", `${own}\r\nRange: bytes=${range}`),
      ),
    ],
    ["200", [get("/", `${own}\r\nRange: bytes=${"0-,".repeat(1000)}0-`), get("/", `${own}\r\nRange: x=0-1`)]],
  ],
};

/** Sends each hexadecimal line of its input on a connection of its own, and prints the received bytes. */
const client = `use IO::Socket::INET;
while (my $line = <STDIN>) {
  chomp $line;
  my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:80", Timeout => 5) or die;
  print $socket pack("H*", $line);
  shutdown $socket, 1;
  local $/;
  my $answer = <$socket>;
  print unpack("H*", $answer // ""), "\\n";
}`;

/** Returns for each request the number of responses, the first one's status and redirect, and the whole text. */
export function answersTo(
  host: TestHost,
  requests: readonly string[],
): { text: string; count: number; first: string }[] {
  const lines = requests.map((each) => Buffer.from(each, "latin1").toString("hex"));
  const { code, stdout, stderr } = host.sh(`perl -e '${client}' <<'END'\n${lines.join("\n")}\nEND`);
  if (code !== 0) throw new Error(stderr);
  return stdout
    .split("\n")
    .slice(0, requests.length)
    .map((line) => {
      const text = Buffer.from(line, "hex").toString("latin1");
      const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? closed;
      const location = /^location: (.*?)\r$/im.exec(text)?.[1];
      return {
        text,
        count: text.match(/^HTTP\/1\.1 \d/gm)?.length ?? 0,
        first: location === undefined ? status : `${status} ${location}`,
      };
    });
}
