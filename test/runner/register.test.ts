// Tests registrations from the command line: the requests to GitLab, the files, and the effect of a refusal.

import { afterEach, describe, expect, test } from "bun:test";
import { parseToml } from "../../src/toml/edit.ts";
import { asked, secretLine, typedWords, variables } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";
import { fakeGitLab, forbidden } from "./fake-gitlab.ts";

const url = "https://gitlab.test";
const configPath = "/etc/gitlab-runner/config.toml";
const token = "glrt-canary-0123456789";
const register = ["gitlab-runner", "register", "--url", url];

afterEach(() => {
  for (const name of Object.keys(variables)) delete variables[name];
});

/** Returns a host with Docker and gitlab-runner, as prepare-ci-host leaves it. */
function prepared(config = "concurrent = 1\n") {
  const host = fakeDebian();
  const status = ["docker-ce", "gitlab-runner"].map(
    (name) => `Package: ${name}\nStatus: install ok installed\nVersion: 1\n\n`,
  );
  host.put("/var/lib/dpkg/status", `${host.text("/var/lib/dpkg/status")}${status.join("")}`);
  host.put("/etc/passwd", "gitlab-runner:x:999:999::/home/gitlab-runner:/bin/bash\n");
  host.put("/etc/group", "root:x:0:\ndocker:x:998:\n");
  host.put("/run/docker.sock", "");
  host.put("/etc/gitlab-runner/.runner_system_id", "s_0123456789ab");
  host.put(configPath, config, { mode: 0o600 });
  host.link("/run/systemd/units/invocation:gitlab-runner.service", "0123");
  const gitlab = fakeGitLab(host, url);
  gitlab.runners.set(token, 41);
  return { host, gitlab, ops: (...words: string[]) => typedWords(words, host) };
}

/** Expects the secret in no output, no file that others can read and no child process. */
function expectKept(host: FakeHost, secret: string, ...said: { out: string; err: string }[]) {
  for (const { out, err } of said) expect(out + err).not.toContain(secret);
  expect(host.ran.join("\n")).not.toContain(secret);
  const open = [...host.nodes.keys()].filter((path) => !path.startsWith("/etc/gitlab-runner/"));
  for (const path of open) expect(host.text(path) ?? "").not.toContain(secret);
}

describe("a runner with its own authentication token", () => {
  test("register: a runner is verified at GitLab and written once, and the settings to make there are printed", async () => {
    const { host, gitlab, ops } = prepared("# ours\nconcurrent = 1 # one\n");
    const said = await ops(...register, "--profile", "ci", "--token", token);
    expect(said).toMatchObject({ exit: 0, err: expect.not.stringContaining("error") });
    expect(said.out).toContain("GitLab Runner registered successfully.");
    expect(said.out).toContain("tags docker-privileged");
    expect(host.text(configPath)).toMatchSnapshot();
    expect(host.stat(configPath)?.mode).toBe(0o600);
    expect(gitlab.sent.map(({ path, body }) => [path, body])).toEqual([
      ["runners/verify", { token, system_id: "s_0123456789ab" }],
    ]);
    expect(JSON.parse(host.text("/etc/edox-ops/runner.json") ?? "")).toMatchObject({
      ...{ url, executor: "docker", profile: "ci", docker_privileged: true, registered: true },
      runners: [{ url, id: 41, name: "edox-ops CI runner", privileged: true }],
    });
    const before = host.listing("/etc");
    const again = await ops(...register, "--profile", "ci", "--token", token, "--json");
    expect(JSON.parse(again.out)).toMatchObject({ outcome: "ok", exit: 0 });
    expect(host.listing("/etc")).toEqual(before);
    expectKept(host, token, said, again);
  });

  test("register: an existing section of the token is updated, and nothing else changes", async () => {
    const theirs = `concurrent = 2\n\n[[runners]]\n  name = "theirs"\n  url = "${url}"\n  token = "glrt-theirs-1234"\n  executor = "docker"\n  [runners.docker]\n    image = "a"\n`;
    const mine = `\n[[runners]] # mine\n  name = "old"\n  url = "${url}/"\n  token = '${token}'\n  executor = "docker"\n  [runners.docker]\n    privileged = false # not yet\n    image = "b"\n    volumes = [ "/srv/certs:/certs/client:ro" ] # kept\n`;
    const { host, ops } = prepared(theirs + mine);
    const { exit } = await ops(...register, "--profile", "ci", "--token", token);
    expect(exit).toBe(0);
    const text = host.text(configPath) ?? "";
    expect(text.startsWith(theirs)).toBe(true);
    expect(text.slice(theirs.length)).toMatchSnapshot();
    expect(text.match(/\[\[runners\]\]/g)).toHaveLength(2);
  });

  test("register: the token is read from stdin, a file or the environment, and no hint shows it", async () => {
    for (const words of [["--token", "-"], ["--token-file", "/root/token"], []]) {
      const { host, gitlab, ops } = prepared();
      gitlab.runners.set(secretLine, 42);
      host.put("/root/token", `${secretLine}\n`, { mode: 0o600 });
      if (words.length === 0) variables.EDOX_RUNNER_TOKEN = secretLine;
      expect((await ops(...register, "--profile", "ci", ...words)).exit).toBe(0);
      expect(host.text(configPath)).toContain(`id = 42\n`);
    }
    expect(asked).toContain("Token of the runner (GitLab: Settings, CI/CD, Runners)");
    const { host } = prepared();
    host.locks.set("/run/edox-ops/host.lock", { pid: 7, command: `edox-ops register --token ${token}`, sinceMs: 0 });
    const gitlab = fakeGitLab(host, "https://other.test");
    gitlab.runners.set(token, 1);
    const busy = ["gitlab-runner", "register", "--url", "https://other.test", "--profile", "ci", "--token", token];
    const said = await typedWords(busy, host);
    expect(said.exit).toBe(75);
    expect(said.err).toContain("hint: edox-ops gitlab-runner register --url https://other.test --profile ci --token -");
    expectKept(host, token, said);
  });

  test("register: a privileged runner beside a public site gets a warning that names both and ci-rootless", async () => {
    for (const [words, warns] of [
      [["--profile", "ci"], true],
      [["--profile", "ci-rootless"], false],
      [["--executor", "docker", "--docker-image", "a"], false],
      [["--executor", "docker", "--docker-image", "a", "--docker-privileged"], true],
      [["--profile", "/root/services.toml"], true],
    ] as const) {
      const { host, ops } = prepared();
      const services = '[[runners]]\nexecutor = "docker"\n[runners.docker]\nimage = "a"\nservices_privileged = true\n';
      host.put("/root/services.toml", services);
      const alone = await ops(...register, ...words, "--token", token, "--dry-run");
      expect(alone.out + alone.err).not.toContain("ci-rootless, or a host of its own");
      host.link("/etc/nginx/sites-enabled/edox-ops-handbook", "/etc/nginx/sites-available/edox-ops-handbook");
      for (const more of [["--dry-run"], []]) {
        const said = await ops(...register, ...words, "--token", token, ...more);
        expect(said.exit).toBe(0);
        const warning = /warning: runner .* is privileged on the host that serves handbook: .*--profile ci-rootless/;
        expect(warning.test(said.out + said.err)).toBe(warns);
      }
    }
  });

  test("register: a manually installed gitlab-runner works, and upgrade and uninstall refuse it", async () => {
    const { host, ops } = prepared();
    const status = host.text("/var/lib/dpkg/status") ?? "";
    host.put("/var/lib/dpkg/status", status.replace("Package: gitlab-runner\n", "Package: other\n"));
    const words = [...register, "--profile", "ci", "--token", token];
    expect(await ops(...words)).toMatchObject({ exit: 1, err: expect.stringContaining("Runner is not installed") });
    host.dir("/usr/local/bin/gitlab-runner");
    expect((await ops(...words)).exit).toBe(1);
    host.put("/usr/local/bin/gitlab-runner", "", { mode: 0o755 });
    expect((await ops(...words)).exit).toBe(0);
    const before = host.listing();
    for (const each of [["upgrade"], ["uninstall", "--yes"], ["uninstall", "--force", "--yes"]]) {
      const { exit, err } = await ops("gitlab-runner", ...each);
      expect([exit, err]).toEqual([1, expect.stringContaining("/usr/local/bin/gitlab-runner was not installed from")]);
    }
    expect(host.listing()).toEqual(before);
  });

  test("register --replace: the earlier runner of this name is removed here and in GitLab", async () => {
    const { host, gitlab, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    gitlab.runners.set("glrt-the-next-one", 43);
    const { exit, out } = await ops(...register, "--profile", "ci", "--token", "glrt-the-next-one", "--replace");
    // There is one runner before and after.
    expect(out).not.toContain("--concurrent");
    expect(exit).toBe(0);
    expect(host.text(configPath)?.match(/token = .*/g)).toEqual(['token = "glrt-the-next-one"']);
    expect(gitlab.sent.at(-1)).toMatchObject({ path: "runners/managers", body: { token } });
    expect(JSON.parse(host.text("/etc/edox-ops/runner.json") ?? "").runners).toHaveLength(1);
  });

  test("register: a shell runner gets the group docker, and the output says that it is equivalent to root", async () => {
    const { host, ops } = prepared();
    const { exit, out } = await ops(...register, "--token", token);
    expect(exit).toBe(0);
    expect(out).toContain("equivalent to root");
    expect(host.ran).toContain("usermod -a -G docker gitlab-runner");
  });

  test("register: a shell runner on a host without Docker is registered, and the reason is printed", async () => {
    const { host, ops } = prepared();
    host.put("/etc/group", "root:x:0:\n");
    host.remove("/run/docker.sock");
    const { exit, out } = await ops(...register, "--token", token);
    expect([exit, out]).toEqual([0, expect.stringContaining("skipped: there is no Docker on this host")]);
    host.put("/run/docker.sock", "");
    const running = await ops(...register, "--token", token);
    expect([running.exit, running.out]).toEqual([
      0,
      expect.stringContaining(
        "shell jobs cannot use Docker: group docker does not exist: sudo groupadd --system docker",
      ),
    ]);
    // Podman's socket is a link to the one that it listens on.
    host.link("/run/docker.sock", "/run/podman/podman.sock");
    host.put("/proc/net/unix", "ffff: 00000002 00000000 00010000 0001 01 4711 /run/podman/podman.sock\n");
    expect((await ops(...register, "--token", token)).out).toContain("group docker does not exist");
    // No process listens there: an uninstalled engine left the socket.
    host.put("/proc/net/unix", "Num RefCount Protocol Flags Type St Inode Path\n");
    const left = await ops(...register, "--token", token);
    expect([left.exit, left.out]).toEqual([0, expect.stringContaining("there is no Docker on this host")]);
    host.remove("/run/docker.sock");
    const { exit: refused, err } = await ops(...register, "--profile", "ci", "--token", "glrt-another-one");
    expect([refused, err]).toEqual([1, expect.stringContaining("no Docker answers on this host")]);
  });

  test("register: a silent service, as at a higher log level, is a success, and a logged failure is rolled back", async () => {
    for (const [said, exit] of [
      ["", 0],
      ["ERROR: Failed to load config x\n", 1],
    ] as const) {
      const { host, ops } = prepared();
      host.taught.unshift(([program]) =>
        program === "journalctl" ? { code: 0, stdout: said, stderr: "" } : undefined,
      );
      expect((await ops(...register, "--profile", "ci", "--token", token)).exit).toBe(exit);
      expect(host.text(configPath)?.includes(token)).toBe(exit === 0);
    }
  });

  test("register --check: exits 0 for a converged runner and 3 for one to be created", async () => {
    const { host, gitlab, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    const { length } = gitlab.sent;
    expect((await ops(...register, "--profile", "ci", "--token", token, "--check")).exit).toBe(0);
    expect((await ops(...register, "--profile", "ci", "--access-token", "glpat-01234567", "--check")).exit).toBe(3);
    expect(gitlab.sent).toHaveLength(length);
    expect(host.text(configPath)).not.toContain("to-be-asked-for");
  });

  test("register: a token in the wrong place on the command line is not printed", async () => {
    const { host, ops } = prepared();
    for (const words of [
      [token],
      [`--tokn=${token}`],
      ["--token", token, token],
      ["--description", token, "--nonsense"],
    ]) {
      const said = await ops(...register, ...words);
      expect(said.exit).toBe(2);
      expectKept(host, token, said);
    }
  });

  test("register --dry-run: no request is sent to GitLab, and the token is not shown", async () => {
    const { host, gitlab, ops } = prepared();
    const before = host.listing();
    const said = await ops(...register, "--profile", "ci", "--token", token, "--dry-run", "--diff");
    expect(said.exit).toBe(0);
    expect(said.out).toContain(configPath);
    expect(gitlab.sent).toEqual([]);
    expect(host.listing()).toEqual(before);
    expectKept(host, token, said);
  });

  test("register: the expiry date of the token is written, so that gitlab-runner renews it in time", async () => {
    const { host, gitlab, ops } = prepared();
    gitlab.next.push({ status: 200, body: { id: 41, token, token_expires_at: "2027-03-01T10:00:00.000+01:00" } });
    await ops(...register, "--profile", "ci", "--token", token);
    expect(host.text(configPath)).toContain("token_expires_at = 2027-03-01T09:00:00Z\n");
  });
});

describe("a runner that is created in GitLab", () => {
  test("register: an access token creates the runner in GitLab with tags and protection, and registers it", async () => {
    const { host, gitlab, ops } = prepared();
    gitlab.accessTokens.add("glpat-0123456789");
    variables.EDOX_GITLAB_TOKEN = "glpat-0123456789";
    const said = await ops(...register, "--profile", "ci", "--project", "7", "--protected");
    expect(said.exit).toBe(0);
    expect(gitlab.sent[0]).toMatchObject({
      path: "user/runners",
      headers: { "PRIVATE-TOKEN": "glpat-0123456789" },
      body: {
        ...{ runner_type: "project_type", project_id: 7, description: "edox-ops CI runner", locked: true },
        ...{ tag_list: ["docker-privileged"], run_untagged: false, access_level: "ref_protected" },
      },
    });
    expect(host.text(configPath)).toContain('token = "glrt-made-');
    const { length } = gitlab.sent;
    expect((await ops(...register, "--profile", "ci", "--project", "7", "--protected")).exit).toBe(0);
    expect(gitlab.sent.slice(length).map(({ path }) => path)).toEqual(["runners/verify"]);
    expectKept(host, "glpat-0123456789", said);
  });

  test("register: a runner of another owner is refused, with a hint", async () => {
    const { gitlab, ops } = prepared();
    gitlab.accessTokens.add("glpat-0123456789");
    const words = [...register, "--profile", "ci", "--access-token", "glpat-0123456789"];
    expect((await ops(...words, "--project", "5")).exit).toBe(0);
    const { exit, err } = await ops(...words, "--project", "6");
    expect([exit, err]).toEqual([
      1,
      expect.stringContaining("is registered for project 5 already: give another --description"),
    ]);
  });

  test("register: a runner that was deleted in GitLab is created again only with --replace", async () => {
    const { host, gitlab, ops } = prepared();
    gitlab.accessTokens.add("glpat-0123456789");
    const words = [...register, "--profile", "ci", "--access-token", "glpat-0123456789"];
    await ops(...words);
    gitlab.runners.clear();
    expect((await ops(...words)).err).toContain("pass --replace to create it again");
    expect((await ops(...words, "--replace")).exit).toBe(0);
    expect(host.text(configPath)?.match(/\[\[runners\]\]/g)).toHaveLength(1);
  });

  test("register: a created runner that GitLab then does not know is deleted again", async () => {
    const { host, gitlab, ops } = prepared();
    gitlab.accessTokens.add("glpat-0123456789");
    const answers = host.served.splice(0);
    let asked = 0;
    host.served.push((method, url_, options) => {
      if (url_.endsWith("/runners/verify") && asked++ === 0) {
        const body = new TextEncoder().encode(JSON.stringify(forbidden.body));
        return { status: 403, headers: { "content-type": "application/json" }, body };
      }
      return answers.map((each) => each(method, url_, options)).find((each) => each !== undefined);
    });
    const before = host.listing();
    expect((await ops(...register, "--profile", "ci", "--access-token", "glpat-0123456789")).exit).toBe(1);
    expect([...gitlab.runners.keys()]).toEqual([token]);
    expect(host.listing()).toEqual(before);
  });

  test("unregister: a runner that register created in GitLab is deleted there", async () => {
    const { gitlab, ops } = prepared();
    gitlab.accessTokens.add("glpat-0123456789");
    await ops(...register, "--profile", "ci", "--access-token", "glpat-0123456789");
    expect(gitlab.runners.size).toBe(2);
    expect((await ops("gitlab-runner", "unregister", "edox-ops CI runner")).exit).toBe(0);
    expect([...gitlab.runners.keys()]).toEqual([token]);
  });

  test("register: a created runner that cannot be written to config.toml is deleted in GitLab", async () => {
    const { host, gitlab, ops } = prepared();
    gitlab.accessTokens.add("glpat-0123456789");
    host.broken.add(configPath);
    const before = host.text(configPath);
    const { exit } = await ops(...register, "--profile", "ci", "--access-token", "glpat-0123456789");
    expect(exit).toBe(1);
    expect([...gitlab.runners.keys()]).toEqual([token]);
    expect(host.text(configPath)).toBe(before);
  });

  test("register: a registration token creates the runner once", async () => {
    const { host, gitlab, ops } = prepared();
    gitlab.registrationTokens.add("GR1348941-old-token");
    const words = [...register, "--profile", "ci", "--token", "GR1348941-old-token"];
    expect((await ops(...words)).exit).toBe(0);
    expect(gitlab.sent[0]).toMatchObject({
      path: "runners",
      body: { tag_list: "docker-privileged", run_untagged: false },
    });
    expect((await ops(...words)).exit).toBe(0);
    expect(host.text(configPath)?.match(/\[\[runners\]\]/g)).toHaveLength(1);
    expect(gitlab.runners.size).toBe(2);
  });
});

describe("register: a refusal of GitLab changes nothing on this host", () => {
  const html = "<html>404</html>";
  type Refusal = [string, object[], string, number];
  const refusals: Refusal[] = [
    ["an unknown token", [forbidden], "does not know this token", 1],
    ["a response that is not GitLab's", [{ status: 200, body: html }], "not as a GitLab does", 1],
    ["a response without a runner number", [{ status: 200, body: {} }], "not as a GitLab does", 1],
    ["a token with TOML syntax", [{ status: 200, body: { id: 1, token: 'a"\n[x]' } }], "not as a GitLab does", 1],
    [
      "an expiry date beyond the year 9999 is an invalid response",
      [{ status: 200, body: { id: 1, token_expires_at: "+200000-01-01T00:00:00Z" } }],
      "answers with an invalid date in token_expires_at: '+200000-01-01T00:00:00Z'",
      1,
    ],
    [
      "an expiry date that is not a date is an invalid response",
      [{ status: 200, body: { id: 1, token_expires_at: "soon" } }],
      "answers with an invalid date in token_expires_at: 'soon'",
      1,
    ],
    [
      "an error nested 400,000 levels deep is reported by its status alone",
      [{ status: 400, type: "application/json", body: `{"message":${"[".repeat(400_000)}${"]".repeat(400_000)}}` }],
      "error: https://gitlab.test answers 400\n",
      1,
    ],
    [
      "a token that a firewall page refuses is not called unknown",
      [{ status: 403, headers: { server: "cloudflare" }, body: "<html>blocked</html>" }],
      "https://gitlab.test answers 403, but not as GitLab does (text/html from cloudflare): a proxy or firewall",
      1,
    ],
    [
      "a login page of a proxy is not reported as an unknown token",
      [{ status: 401, type: "text/html; charset=utf-8", body: '{"message":"401 Unauthorized"}' }],
      "answers 401, but not as GitLab does (text/html; charset=utf-8)",
      1,
    ],
    [
      "JSON of another server is not reported as an unknown token",
      [{ status: 403, body: { message: "Forbidden" } }],
      "https://gitlab.test answers 403 (Forbidden)\n",
      1,
    ],
    [
      "a response for a runner that is not JSON is rejected",
      [{ status: 200, type: "text/plain", body: '{"id":1}' }],
      "not as a GitLab does",
      1,
    ],
    [
      "a proxy that requires a password is named",
      [{ status: 407, proxy: "http://proxy.test:3128", body: "" }],
      "https://gitlab.test cannot be reached: the proxy http://proxy.test:3128 requires a user name",
      1,
    ],
    [
      "a proxy that does not reach the server is named",
      Array(5).fill({ status: 502, proxy: "http://proxy.test:3128", body: "<html>" }),
      "https://gitlab.test answers 502 through the proxy http://proxy.test:3128, which may have answered itself: try again",
      5,
    ],
    [
      "a redirect through a proxy is still the server's",
      [{ status: 301, proxy: "http://proxy.test:3128", headers: { location: "https://gitlab.test/" } }],
      "https://gitlab.test redirects to https://gitlab.test/",
      1,
    ],
    [
      "GitLab's own refusal is accepted through a proxy",
      [{ ...forbidden, proxy: "http://proxy.test:3128" }],
      "does not know this token",
      1,
    ],
    ["a missing page", [{ status: 404, body: html }], "answers 404: is the address right?", 1],
    [
      "a redirect",
      [{ status: 302, headers: { location: "https://gitlab.com/" } }],
      "redirects to https://gitlab.com/",
      1,
    ],
    ["too many requests", Array(5).fill({ status: 429 }), "answers 429: try again later", 5],
    [
      "too many requests with a long Retry-After",
      [{ status: 429, headers: { "retry-after": "3600" } }],
      "answers 429",
      1,
    ],
    ["an unavailable server", Array(5).fill({ status: 503 }), "answers 503: try again later", 5],
    ["GitLab's own message", [{ status: 400, body: { message: { tags: [`bad ${token}`] } } }], "answers 400 ({", 1],
    [
      "a message with control characters",
      [{ status: 400, body: { message: "a\u001b[2Jb\nc" } }],
      "answers 400 (ab c)",
      1,
    ],
    ["a message of megabytes", [{ status: 400, body: { message: "x".repeat(5_000_000) } }], `(${"x".repeat(200)})`, 1],
    ["a message in __proto__", [{ status: 400, body: '{"__proto__": {"message": "x"}}' }], "answers 400\n", 1],
    ["a response without content", [{ status: 204 }], "answers 204", 1],
    ["a JSON array", [{ status: 200, body: [1] }], "not as a GitLab does", 1],
    ["a JSON null", [{ status: 200, body: "null" }], "not as a GitLab does", 1],
    ...[-1, 0, 1.5, 2 ** 53, "1", null].map((id): Refusal => {
      return [`the runner number ${JSON.stringify(id)}`, [{ status: 200, body: { id } }], "not as a GitLab does", 1];
    }),
    ...["2027-13-01", "2027-03-01T10:00:00Z\n[[runners]]", "-000001-01-01T00:00:00Z"].map((end): Refusal => {
      const body = { id: 41, token, token_expires_at: end };
      return [`the expiry date ${JSON.stringify(end)}`, [{ status: 200, body }], "invalid date in token_expires_at", 1];
    }),
    ...[1, {}].map((end): Refusal => {
      const body = { id: 41, token, token_expires_at: end };
      return [`the expiry date ${JSON.stringify(end)}`, [{ status: 200, body }], "not as a GitLab does", 1];
    }),
    ...["file:///etc/passwd", "http://169.254.169.254/latest/meta-data/", "//evil.test/"].map((location): Refusal => {
      const answer = { status: 307, headers: { location } };
      return [`a redirect with the token to ${location}`, [answer], `redirects to ${location}`, 1];
    }),
    [
      "a redirect with control characters",
      [{ status: 302, headers: { location: "\u001b[2J\u0007x\n" } }],
      "to \\u0007x,",
      1,
    ],
    ["a redirect without a location", [{ status: 302 }], "redirects to nowhere", 1],
    [
      "a redirect that repeats the token",
      [{ status: 302, headers: { location: `https://evil.test/?${token}` } }],
      "redirects to https://evil.test/?[redacted], which is no address",
      1,
    ],
    [
      "a redirect to an address that contains the token",
      [{ status: 302, headers: { location: `https://evil.test/${token}/api/v4/runners/verify` } }],
      "redirects to https://evil.test/[redacted]",
      1,
    ],
    [
      "a server name and a content type that repeat the token",
      [{ status: 403, type: `text/${token}`, headers: { server: token } }],
      "not as GitLab does (text/[redacted] from [redacted])",
      1,
    ],
    [
      "an expiry date that repeats the token",
      [{ status: 200, body: { id: 41, token, token_expires_at: token } }],
      "invalid date in token_expires_at: '[redacted]'",
      1,
    ],
  ];
  for (const [name, answers, message, requests] of refusals) {
    test(name, async () => {
      const { host, gitlab, ops } = prepared();
      gitlab.next.push(...(answers as (typeof gitlab)["next"]));
      const before = host.listing();
      const said = await ops(...register, "--profile", "ci", "--token", token);
      expect([said.exit, said.out]).toEqual([1, ""]);
      expect(said.err).toContain(message);
      expect(gitlab.sent).toHaveLength(requests);
      expect(host.listing()).toEqual(before);
      expectKept(host, token, said);
    });
  }

  test("register: the hint for a refused token repeats the whole command without the secret", async () => {
    const { host, gitlab, ops } = prepared();
    host.put("/root/ca.pem", "-----BEGIN CERTIFICATE-----\n");
    const more = ["--profile", "ci", "--ca-file", "/root/ca.pem", "--description", "a b", "--concurrent", "3"];
    const hint = `hint: edox-ops ${register.join(" ")} --profile ci --ca-file /root/ca.pem --description 'a b' --concurrent 3`;
    for (const [words, end] of [
      [["--token", "glrt-unknown-one"], "--token -"],
      [["--token=glrt-unknown-one"], "--token=-"],
      [["--access-token", "glpat-unknown-one", "--project", "7"], "--access-token - --project 7"],
      [["--token", "GR1348941-old-token"], "--token -"],
    ] as const) {
      expect((await ops(...register, ...more, ...words)).err).toContain(`${hint} ${end}\n`);
    }
    variables.EDOX_RUNNER_TOKEN = "glrt-unknown-one";
    expect((await ops(...register, ...more)).err).toContain(`${hint} --token -\n`);
    delete variables.EDOX_RUNNER_TOKEN;
    variables.EDOX_GITLAB_TOKEN = "glpat-unknown-one";
    expect((await ops(...register, ...more)).err).toContain(`${hint} --access-token -\n`);
    gitlab.accessTokens.add("glpat-unknown-one");
    expect((await ops(...register, ...more)).exit).toBe(0);
    gitlab.next.push(forbidden);
    expect((await ops(...register, ...more)).err).toContain(`${hint} --access-token - --replace\n`);
  });

  describe("a token of another kind", () => {
    const secret = "0123456789abcdefghij";
    const hint = `hint: edox-ops ${register.join(" ")} --profile ci`;
    for (const [flag, start, words, instead] of [
      ["--token", "glpat-", "a personal, project or group access token: give it with --access-token", "--access-token"],
      ["--token", "glptt-", "a pipeline trigger token: it registers no runner", "--token"],
      ["--token", "glcbt-", "a CI/CD job token: it registers no runner", "--token"],
      ["--token", "eyJhbGciOi.", "a JSON Web Token, as a job gets it in id_tokens: it registers no runner", "--token"],
      ["--token", "gldt-", "a deploy token: it registers no runner", "--token"],
      ["--token", "glft-", "a feed token: it registers no runner", "--token"],
      ["--access-token", "glrt-", "a runner authentication token: give it with --token", "--token"],
      ["--access-token", "glrtr-", "a runner authentication token: give it with --token", "--token"],
      ["--access-token", "GR1348941", "a registration token: give it with --token", "--token"],
      ["--access-token", "gldt-", "a deploy token: it registers no runner", "--access-token"],
    ] as const) {
      test(`register: ${start} for ${flag} is named by its kind, never printed, and no request is sent`, async () => {
        const { host, gitlab, ops } = prepared();
        const before = host.listing();
        const said = await ops(...register, "--profile", "ci", flag, `${start}${secret}`);
        expect([said.exit, said.out, said.err]).toEqual([2, "", `error: ${flag} is ${words}\n${hint} ${instead} -\n`]);
        expect([host.listing(), gitlab.sent]).toEqual([before, []]);
        expectKept(host, secret, said, await ops("gitlab-runner", "list", `${start}${secret}`));
      });
    }

    test("register: a token of the wrong kind in a file or variable is named, and the hint asks for the right one", async () => {
      const { host, ops } = prepared();
      host.put("/root/token", `glpat-${secret}\n`, { mode: 0o600 });
      const words = [...register, "--token-file", "/root/token", "--profile", "ci", "--project", "7"];
      const fromFile = await ops(...words);
      expect(fromFile.err).toEndWith(`${hint} --project 7 --access-token -\n`);
      host.remove("/root/token");
      variables.EDOX_RUNNER_TOKEN = `glptt-${secret}`;
      const fromVariable = await ops(...register, "--profile", "ci");
      expect([fromVariable.exit, fromVariable.err]).toEqual([2, expect.stringContaining("a pipeline trigger token")]);
      expectKept(host, secret, fromFile, fromVariable);
    });

    test("register: a glrtr- token is accepted as a runner authentication token", async () => {
      const { host, gitlab, ops } = prepared();
      gitlab.runners.set(`glrtr-${secret}`, 44);
      expect((await ops(...register, "--profile", "ci", "--token", `glrtr-${secret}`)).exit).toBe(0);
      expect(gitlab.sent.map(({ path }) => path)).toEqual(["runners/verify"]);
      expect(host.text(configPath)).toContain("id = 44\n");
    });
  });

  test("register: the hint for a GitLab that has moved has the new address in the whole command", async () => {
    const path = "/api/v4/runners/verify";
    for (const [location, words] of [
      [`https://new.test${path}`, "use that address"],
      [`https://new.test/gitlab${path}`, "use that address"],
      [`${url}/users/sign_in`, "is no address of a GitLab"],
      [`${url}${path}?x`, "is no address of a GitLab"],
      [`http://new.test${path}`, "is no address of a GitLab"],
      ["/login", "is no address of a GitLab"],
      [`https://new.test/${"x/".repeat(100_000)}${path}`, "is no address of a GitLab"],
    ] as const) {
      const { gitlab, ops } = prepared();
      gitlab.next.push({ status: 301, headers: { location } });
      const { exit, err } = await ops(...register, "--profile", "ci", "--token", token, "--concurrent", "2");
      expect([exit, err]).toEqual([1, expect.stringContaining(words)]);
      const again = `gitlab-runner register --url ${location.replace(path, "")} --profile ci --token - --concurrent 2\n`;
      expect(err.endsWith(`hint: edox-ops ${again}`)).toBe(words === "use that address");
    }
  });

  test("register: a runner created with an invalid expiry date is deleted in GitLab again", async () => {
    const { host, gitlab, ops } = prepared();
    gitlab.runners.set("glrt-made-1", 1);
    gitlab.next.push({ status: 201, body: { id: 1, token: "glrt-made-1", token_expires_at: "200000-01-01" } });
    const before = host.listing();
    const { exit, err } = await ops(...register, "--profile", "ci", "--access-token", "glpat-12345678");
    expect([exit, err]).toEqual([1, expect.stringContaining("invalid date in token_expires_at")]);
    expect([gitlab.runners.has("glrt-made-1"), host.listing()]).toEqual([false, before]);
  });

  test("register: temporary errors are retried, with any Retry-After header", async () => {
    for (const after of ["2", "-5", "0", "1e1", "Infinite", "Wed, 21 Oct 2015 07:28:00 GMT", ""]) {
      const { gitlab, ops } = prepared();
      gitlab.next.push({ status: 500 }, { status: 429, headers: { "retry-after": after } });
      expect((await ops(...register, "--profile", "ci", "--token", token)).exit).toBe(0);
    }
  });

  test("register: disabled registration tokens and insufficient access tokens are reported, and nothing changes", async () => {
    const { host, gitlab, ops } = prepared();
    const before = host.listing();
    const old = await ops(...register, "--profile", "ci", "--token", "GR1348941-old-token");
    expect(old.err).toContain("takes no registration tokens any more");
    gitlab.next.push({ status: 403, body: { error: "insufficient_scope" } });
    const access = await ops(...register, "--profile", "ci", "--access-token", "glpat-small-scope");
    expect(access.err).toContain("needs the scope create_runner, and its owner the right (insufficient_scope)");
    const refused = await ops("gitlab-runner", "register", "--url", "https://nobody.test", "--token", token);
    expect(refused.err).toContain("https://nobody.test cannot be reached: connection refused");
    expect(host.listing()).toEqual(before);
  });
});

describe("register: compatibility with the Python version:", () => {
  const recorded = (host: FakeHost) => JSON.parse(host.text("/etc/edox-ops/runner.json") ?? "");

  test("register: an empty --tags keeps the tags of the profile, and empty tags in a list are ignored", async () => {
    for (const [words, tags] of [
      [["--tags", ""], []],
      [
        ["--tags", " a,, b ,"],
        ["a", "b"],
      ],
      [["--tags", "", "--profile", "ci"], ["docker-privileged"]],
    ] as const) {
      const { host, ops } = prepared();
      expect(await ops(...register, "--token", token, ...words)).toMatchObject({ exit: 0, err: "" });
      expect(recorded(host)).toMatchObject({ tags });
    }
  });

  test("register: an unknown profile is ignored with a warning, and recorded", async () => {
    const { host, ops } = prepared();
    expect(await ops(...register, "--token", token, "--profile", "other")).toMatchObject({
      exit: 0,
      err: "warning: profile 'other' is unknown and ignored: there are ci, ci-rootless, or a file.toml\n",
    });
    expect(recorded(host)).toMatchObject({ profile: "other", executor: "shell" });
  });

  test("register: a profile keeps its executor, and another --executor is ignored with a warning", async () => {
    const { host, ops } = prepared();
    expect(await ops(...register, "--token", token, "--profile", "ci", "--executor", "shell")).toMatchObject({
      exit: 0,
      err: "warning: --executor shell is ignored: profile ci has the executor docker\n",
    });
    expect(recorded(host)).toMatchObject({ profile: "ci", executor: "docker", docker_privileged: true });
  });

  test("register: the docker executor without an image gets the image of profile ci", async () => {
    const { host, ops } = prepared();
    expect(await ops(...register, "--token", token, "--executor", "docker")).toMatchObject({ exit: 0, err: "" });
    expect(host.text(configPath)).toContain('image = "python:3.11-bookworm"');
    expect(recorded(host)).toMatchObject({ docker_image: "python:3.11-bookworm", docker_privileged: false });
  });

  test("register: the query and fragment of an address are dropped", async () => {
    for (const query of ["/?utm=1&x=%20", "?a", "#runners"]) {
      const { host, ops } = prepared();
      const words = ["gitlab-runner", "register", "--url", `${url}${query}`, "--token", token];
      expect(await ops(...words)).toMatchObject({ exit: 0, err: "" });
      expect(host.text(configPath)).toMatch(/url = "https:\/\/gitlab\.test\/?"/);
      expect(recorded(host).url).toMatch(/^https:\/\/gitlab\.test\/?$/);
    }
  });

  test("register: an empty --token falls back to the environment variable", async () => {
    const { ops } = prepared();
    variables.EDOX_RUNNER_TOKEN = token;
    expect(await ops(...register, "--token", "")).toMatchObject({ exit: 0, err: "" });
  });
});

describe("register: invalid arguments are rejected before GitLab is contacted", () => {
  const wrong: [string[], string][] = [
    [["--token", token], "--url is missing"],
    [["--url", "ftp://gitlab.test", "--token", token], "invalid URL 'ftp://gitlab.test' for --url"],
    [["--url", "https://user:password@gitlab.test", "--token", token], "use http or https, without a password"],
    [["--url", "https://user:p@sesame@gitlab.test", "--token", token], "invalid URL 'https://gitlab.test' for --url"],
    [["--url", url, "--token", "glrt-a b"], "the token is not one"],
    [["--url", url, "--token", token, "--token-file", "/x"], "--token and --token-file are mutually exclusive"],
    [["--url", url, "--token-file", "/none"], "--token-file /none does not exist"],
    [["--url", url, "--token", token, "--profile", "cii"], "unknown profile 'cii', did you mean ci?"],
    [["--url", url, "--token", token, "--profile", "/none.toml"], "profile /none.toml does not exist"],
    [
      ["--url", url, "--token", token, "--profile", "ci", "--docker-volumes", "cache"],
      "'cache', which is not an absolute path",
    ],
    [["--url", url, "--token", token, "--concurrent", "0"], "invalid number '0' for --concurrent (1 to 100000)"],
    [["--url", url, "--token", token, "--tags", "a\u0007b"], "one with a control character"],
    [["--url", url, "--token", token, "--ca-file", "ca.pem"], "--ca-file ca.pem is not an absolute path"],
    [["--url", url, "--token", token, "--ca-file", "/etc/group"], "has no certificate in it"],
    [["--url", url, "--token", token, "--project", "7"], "--project, --group and --protected need --access-token"],
    [["--url", url, "--access-token", "glpat-01234567", "--project", "a/b"], "is not the number that GitLab shows"],
    [
      ["--url", url, "--access-token", "glpat-01234567", "--project", "1", "--group", "2"],
      "--project and --group are mutually exclusive",
    ],
  ];
  for (const [words, message] of wrong) {
    test(message, async () => {
      const { host, gitlab, ops } = prepared();
      const before = host.listing();
      const said = await ops("gitlab-runner", "register", ...words);
      expect([said.exit, said.out]).toEqual([2, ""]);
      expect(said.err).toContain(message);
      expect([gitlab.sent, host.listing()]).toEqual([[], before]);
      expectKept(host, token, said);
      expectKept(host, "sesame", said);
    });
  }

  test("register: without a token it exits 1, as the Python version did", async () => {
    for (const words of [[], ["--token", ""]]) {
      const { exit, err } = await prepared().ops(...register, ...words);
      expect([exit, err]).toEqual([1, expect.stringContaining("error: no token is given")]);
      expect(err).toEndWith(`hint: edox-ops ${register.join(" ")} --token -\n`);
    }
  });

  test("register: an invalid config.toml is named, stays unchanged, and no value of it is printed", async () => {
    for (const [config, message] of [
      [`[[runners]]\ntoken = "${token}\n`, "is no TOML at line 2"],
      [`a${".a".repeat(20_000)} = "${token}"\n`, "is no TOML: it is nested deeper than 100 levels"],
      [`[[runners]]\ntoken = "${token}"\ndocker = "x"\n`, "runner 1.docker wrong"],
      [`runners = "${token}"\n`, "runners wrong"],
      [`runners = ["${token}"]\n`, "runner 1 wrong: a runner is a table"],
    ] as const) {
      const { host, ops } = prepared(config);
      const said = await ops(...register, "--profile", "ci", "--token", "glrt-another-one");
      expect(said.exit).toBe(1);
      expect(said.err).toContain(message);
      expect(host.text(configPath)).toBe(config);
      expectKept(host, token, said);
    }
  });
});

describe("register: text with special characters of files, shells or objects is plain text of one runner", () => {
  /** Each is the name, the image and a volume. */
  const texts = [
    '"]\\',
    `"""'''`,
    "[[runners]]",
    "# no comment",
    "$(touch /tmp/x); `x` $HOME %h %n",
    "\u2028\u2029\u202e\ufeff.",
    "__proto__",
    "x".repeat(255),
  ];
  for (const text of texts) {
    test(JSON.stringify(text.slice(0, 40)), async () => {
      const { host, ops } = prepared();
      const words = ["--executor", "docker", "--docker-image", text, "--docker-volumes", `/${text}`];
      expect(await ops(...register, "--description", text, ...words, "--token", token)).toMatchObject({
        exit: 0,
        err: "",
      });
      const { runners } = parseToml(host.text(configPath) ?? "", { path: configPath, array: "runners" }) as {
        runners: unknown[];
      };
      const docker = { image: text, privileged: false, volumes: ["/cache", "/certs/client", `/${text}`] };
      expect(runners).toEqual([expect.objectContaining({ name: text, url, token, docker })]);
      expect(host.ran.join("\n")).not.toContain(text);
      expect((await ops("gitlab-runner", "unregister", text)).exit).toBe(0);
      expect(host.text(configPath)).toBe("concurrent = 1\n");
    });
  }

  test("register: text with a control character is rejected", async () => {
    const { host, ops } = prepared();
    const before = host.listing();
    for (const flag of ["--description", "--tags", "--docker-volumes"]) {
      for (const control of ["\n", "\r", "\u001b", "\0", "\u0085"]) {
        const said = await ops(...register, "--profile", "ci", flag, `/a${control}b`, "--token", token);
        expect([flag, said.exit, said.err]).toEqual([flag, 2, expect.stringContaining(`error: ${flag} `)]);
        expect(said.err).not.toContain(`a${control}b`);
      }
    }
    expect(host.listing()).toEqual(before);
  });
});

describe("config.toml: a file in an unusual state", () => {
  const registering = [...register, "--profile", "ci", "--token", token];

  test("config.toml: a symbolic link is refused by every command that would read or change it", async () => {
    const { host, ops } = prepared();
    host.remove(configPath);
    host.put("/srv/config.toml", "concurrent = 1\n");
    host.link(configPath, "/srv/config.toml");
    const before = host.listing();
    for (const words of [registering, ["gitlab-runner", "list"], ["gitlab-runner", "unregister", "x"]]) {
      const said = await ops(...words);
      expect([said.exit, said.err]).toEqual([
        1,
        expect.stringContaining(`${configPath} is a link, which edox-ops does not write through`),
      ]);
    }
    expect(host.listing()).toEqual(before);
  });

  test("config.toml: a missing or empty file is filled, readable by root only", async () => {
    for (const empty of [false, true]) {
      const { host, ops } = prepared("");
      if (!empty) for (const path of host.list("/etc/gitlab-runner") ?? []) host.remove(`/etc/gitlab-runner/${path}`);
      if (!empty) host.remove("/etc/gitlab-runner");
      host.put("/etc/gitlab-runner/.runner_system_id", "s_0123456789ab");
      expect((await ops(...registering)).exit).toBe(0);
      expect(host.stat(configPath)).toMatchObject({ mode: 0o600, uid: 0 });
      expect(host.stat("/etc/edox-ops/runner.json")?.mode).toBe(0o600);
    }
  });

  test("config.toml: the file keeps its owner and becomes inaccessible to others", async () => {
    const { host, ops } = prepared();
    host.put(configPath, "concurrent = 1\n", { uid: 999, gid: 998, mode: 0o664 });
    expect((await ops(...registering)).exit).toBe(0);
    expect(host.stat(configPath)).toMatchObject({ uid: 999, gid: 998, mode: 0o600 });
    expect(host.stat(`${configPath}.before-edox-ops`)).toMatchObject({ uid: 999, gid: 998, mode: 0o600 });
  });

  test("config.toml: CRLF line ends, tabs and unknown keys stay unchanged, to the byte", async () => {
    const theirs =
      '# kept\r\nconcurrent = 1\r\nlater = { x = 1 }\r\n\r\n[[runners]]\r\n\tname = "a"\r\n\turl = "https://a.test"\r\n\ttoken = "glrt-theirs-1234"\r\n\texecutor = "shell"\r\n\tunknown = [ 1,\r\n\t\t2 ]\r\n';
    const { host, ops } = prepared(theirs);
    expect((await ops(...registering)).exit).toBe(0);
    expect(host.text(configPath)).toStartWith(theirs);
    expect((await ops("gitlab-runner", "unregister", "edox-ops CI runner")).exit).toBe(0);
    expect(host.text(configPath)).toBe(theirs);
  });

  test("config.toml: text that another program appends during the registration is kept", async () => {
    const { host, gitlab, ops } = prepared();
    const came: string[] = [];
    host.served.unshift(() => {
      came.push(`# theirs, ${came.length}\n`);
      host.append(configPath, came.at(-1) ?? "", 0o600);
      return undefined;
    });
    expect((await ops(...registering)).exit).toBe(0);
    expect(gitlab.sent.length).toBeGreaterThan(0);
    for (const line of came) expect(host.text(configPath)).toContain(line);
    expect(host.text(configPath)).toContain(token);
  });

  test("config.toml: four registrations and a removal at the same time all take effect", async () => {
    const { host, gitlab, ops } = prepared();
    expect((await ops(...registering)).exit).toBe(0);
    const numbers = [1, 2, 3, 4];
    const all = numbers.map((number) => {
      gitlab.runners.set(`${token}-${number}`, number);
      return ops(...register, "--description", `r${number}`, "--token", `${token}-${number}`);
    });
    const ended = await Promise.all([...all, ops("gitlab-runner", "unregister", "edox-ops CI runner")]);
    expect(ended.map(({ exit }) => exit)).toEqual([0, 0, 0, 0, 0]);
    const { runners } = parseToml(host.text(configPath) ?? "", { path: configPath, array: "runners" }) as {
      runners: { id: number }[];
    };
    expect(runners.map(({ id }) => id).sort()).toEqual(numbers);
    expect(JSON.parse(host.text("/etc/edox-ops/runner.json") ?? "").runners).toHaveLength(4);
  });

  test("config.toml: a file of 1,000 runners is read and changed", async () => {
    const one = (i: number): string =>
      `[[runners]]\n  name = "r${i}"\n  url = "https://a.test"\n  token = "glrt-${i}"\n  executor = "shell"\n`;
    const theirs = Array.from({ length: 1000 }, (_, i) => one(i)).join("\n");
    const { host, ops } = prepared(theirs);
    expect((await ops("gitlab-runner", "list")).out.match(/\n/g)).toHaveLength(1000);
    expect((await ops(...registering)).exit).toBe(0);
    expect(host.text(configPath)).toStartWith(theirs);
  });
});

describe("gitlab-runner: on a bare host", () => {
  const missing: [string, number, string][] = [
    ["list", 0, "No runners.\n"],
    ["status", 1, "installed: False\n"],
    ["upgrade", 1, "error: GitLab Runner is not installed\nhint: edox-ops gitlab-runner install --yes\n"],
    ["register --url https://gitlab.test --token glrt-canary-0123", 1, "error: GitLab Runner is not installed\nhint: "],
    ["unregister x", 1, `error: there is no runner x in ${configPath}\nhint: edox-ops gitlab-runner list\n`],
    ["selftest", 1, "error: no runner of this host has the docker executor\nhint: "],
    ["uninstall --yes", 0, "GitLab Runner is not installed\n"],
  ];
  for (const [line, exit, words] of missing) {
    test(`${line.split(" --")[0]}: on a bare host it reports what is missing and changes nothing`, async () => {
      const host = fakeDebian();
      host.taught.unshift(([program]) =>
        program === "gitlab-runner" ? { code: 127, stdout: "", stderr: "" } : undefined,
      );
      const before = host.listing("/etc");
      const said = await typedWords(["gitlab-runner", ...line.split(" ")], host);
      expect([said.exit, said.err + said.out]).toEqual([exit, expect.stringContaining(words)]);
      expect(host.listing("/etc")).toEqual(before);
    });
  }
});

describe("a profile from a file", () => {
  const withProfile = async (profile: string) => {
    const { host, ops } = prepared();
    host.put("/root/mine.toml", profile);
    return { host, said: await ops(...register, "--profile", "/root/mine.toml", "--token", token) };
  };

  test("register --profile: a file with one [[runners]] sets the runner's keys", async () => {
    const { host, said } = await withProfile(
      '[[runners]]\nname = "mine"\nexecutor = "docker"\nlimit = 3\n[runners.docker]\nimage = "a"\nvolumes = ["/x"]\n[runners.docker.sysctls]\n"net.a" = "1"\n',
    );
    expect(said.exit).toBe(0);
    expect(host.text(configPath)).toMatchSnapshot();
  });

  test("register --profile: identity keys of the file are ignored, and no object prototype is changed", async () => {
    const { host, said } = await withProfile(
      '[[runners]]\nexecutor = "shell"\nurl = "https://evil.test"\ntoken = "glrt-evil"\nid = 7\n[runners.__proto__]\nx = 1\n[runners.constructor.prototype]\ny = 2\n',
    );
    expect(said.exit).toBe(0);
    expect(host.text(configPath)).not.toContain("evil");
    const { runners } = parseToml(host.text(configPath) ?? "", { path: configPath, array: "runners" }) as {
      runners: object[];
    };
    const found = Object.entries(runners[0] ?? {}).map(([key, value]) => [key, JSON.stringify(value)]);
    expect(found).toContainEqual(["__proto__", '{"x":1}']);
    expect(found).toContainEqual(["constructor", '{"prototype":{"y":2}}']);
    expect([Reflect.get({}, "x"), Reflect.get({}, "y")]).toEqual([undefined, undefined]);
  });

  test("register --profile: an invalid profile is rejected by name", async () => {
    for (const [profile, message] of [
      ["concurrent = 3\n[[runners]]\nexecutor = 'shell'", "it has concurrent, which is of all runners"],
      ["", "not exactly one [[runners]]"],
      ["[[runners]]\n", "its runner has no executor"],
      [
        "[[runners]]\nexecutor = 'docker'\n[[runners.docker.services]]\nname = 'a'",
        "runners.docker.services is an array",
      ],
      ["[[runners]]\nexecutor = 'shell'\nwhen = 2026-01-01T00:00:00Z", "runners.when is neither"],
      ['[[runners]]\nexecutor = "shell"\nname = "a\\nb"', "has a line end"],
      ["runners = 1", "not exactly one [[runners]]"],
      ["runners = [1]", "its runner has no executor"],
    ] as const) {
      const { said } = await withProfile(profile);
      expect([said.exit, said.err]).toEqual([2, expect.stringContaining(message)]);
    }
  });
});

describe("config.toml", () => {
  const keptPath = `${configPath}.before-edox-ops`;
  const words = [...register, "--profile", "ci", "--token", token];
  const bytesOf = (host: FakeHost, path: string): Buffer => Buffer.from(host.read(path) ?? []);

  for (const [what, text] of [
    ["a byte order mark", "\ufeffconcurrent = 1\n# a\n"],
    ["CRLF line ends", "concurrent = 1\r\n# a\r\n"],
    ["a missing line feed at its end", "concurrent = 1\n# a"],
    ["all three", "\ufeffconcurrent = 1\r\n# \u{1f98a}"],
  ] as const) {
    test(`config.toml: ${what} stays unchanged, to the byte, in the copy as well`, async () => {
      const { host, ops } = prepared(text);
      const before = bytesOf(host, configPath);
      expect((await ops(...words)).exit).toBe(0);
      expect(bytesOf(host, configPath).subarray(0, before.length)).toEqual(before);
      expect(bytesOf(host, keptPath)).toEqual(before);
      expect((await ops("gitlab-runner", "unregister", "edox-ops CI runner")).exit).toBe(0);
      const left = bytesOf(host, configPath);
      expect(left.subarray(0, before.length)).toEqual(before);
      expect(left.subarray(before.length).toString()).toMatch(/^(\r?\n)?$/);
    });
  }

  for (const [what, config, said] of [
    ["bytes that are not UTF-8", Buffer.from("concurrent = 1\n# caf\u00e9\n", "latin1"), "is not UTF-8 at line 2: "],
    ["UTF-16", Buffer.from("\ufeffconcurrent = 1\n", "utf16le"), "is not UTF-8 at line 1: "],
    ["a NUL", Buffer.from("concurrent = 1\n# a\0\n"), "is no TOML at line 2"],
    ["a form feed", Buffer.from("concurrent = 1\n\f\n"), "is no TOML at line 2"],
  ] as const) {
    test(`config.toml: ${what} is rejected with its line, and GitLab is not contacted`, async () => {
      const { host, gitlab, ops } = prepared();
      host.put(configPath, config, { mode: 0o600 });
      const before = host.listing();
      expect(await ops(...words)).toMatchObject({ exit: 1, err: expect.stringContaining(`${configPath} ${said}`) });
      expect((await ops("gitlab-runner", "list")).exit).toBe(1);
      expect(gitlab.sent).toEqual([]);
      expect(host.listing()).toEqual(before);
    });
  }

  for (const [path, type, said] of [
    [configPath, "directory", "is a directory, and should be a file"],
    [configPath, "other", "is a device, a pipe or a socket, and should be a file"],
    [keptPath, "other", "is a device, a pipe or a socket, and should be a file"],
    ["/etc/edox-ops/runner.json", "other", "is a device, a pipe or a socket, and should be a file"],
    ["/etc/gitlab-runner/.runner_system_id", "other", "is a device, a pipe or a socket, and should be a file"],
  ] as const) {
    test(`register: ${path} that ${said.split(",")[0]} is refused, and GitLab is not contacted`, async () => {
      const { host, gitlab, ops } = prepared();
      host.dir("/etc/edox-ops", { mode: 0o750 });
      host.nodes.set(path, { type, content: "", mode: 0o600, uid: 0, gid: 0, changedMs: 0 });
      const read = host.read;
      host.read = (each) => {
        if (each === path) throw new Error("a pipe is waited for without an end");
        return read(each);
      };
      const before = host.listing();
      const { exit, err } = await ops(...words);
      expect([exit, err]).toEqual([1, expect.stringContaining(`${path} ${said}\nhint: ls -ld ${path}\n`)]);
      if (path === configPath) expect((await ops("gitlab-runner", "list")).err).toContain(said);
      expect(gitlab.sent).toEqual([]);
      expect(host.listing()).toEqual(before);
    });
  }

  test("register: a config.toml that is a dangling link is refused, and GitLab is not contacted", async () => {
    const { host, gitlab, ops } = prepared();
    host.link(configPath, "/nowhere");
    expect(await ops(...words)).toMatchObject({ exit: 1, err: expect.stringContaining(`${configPath} is a link`) });
    expect(gitlab.sent).toEqual([]);
  });

  for (const [what, fault, said] of [
    [
      "immutable",
      `EPERM: operation not permitted, rename '${configPath}' -> '${configPath}'`,
      `${configPath} or its directory is immutable: ${configPath}: operation not permitted; the previous files were restored\nhint: lsattr -d /etc/gitlab-runner ${configPath}\n`,
    ],
    [
      "mounted by itself",
      `EBUSY: resource busy or locked, rename '${configPath}' -> '${configPath}'`,
      `${configPath} is mounted by itself, so that it cannot be replaced: ${configPath}: resource busy or locked; the previous files were restored\nhint: findmnt ${configPath}\n`,
    ],
    [
      "on a full disk",
      `ENOSPC: no space left on device, write '${configPath}'`,
      "no space left at /etc/gitlab-runner: ",
    ],
  ] as const) {
    test(`register: a config.toml that is ${what} is one error with its cause, and everything is rolled back`, async () => {
      const { host, gitlab, ops } = prepared();
      gitlab.accessTokens.add("glpat-0123456789");
      host.put("/proc/self/mounts", `/dev/a / ext4 rw 0 0\n/dev/a ${configPath} ext4 rw 0 0\n`);
      const write = host.writeFile;
      host.writeFile = (path, bytes, attributes) => {
        if (path === configPath) throw new Error(fault);
        write(path, bytes, attributes);
      };
      const before = host.listing("/etc");
      for (const more of [
        ["--token", token],
        ["--access-token", "glpat-0123456789"],
      ]) {
        const { exit, err } = await ops(...register, "--profile", "ci", ...more);
        expect([exit, err]).toEqual([1, expect.stringContaining(said)]);
        expect(err).not.toContain("not put back");
        const ours = Object.entries(host.listing("/etc")).filter(([path]) => path !== "/etc/edox-ops");
        expect(Object.fromEntries(ours)).toEqual(before);
        expect([...gitlab.runners.keys()]).toEqual([token]);
      }
    });
  }

  test("register: the hint for --concurrent is accepted, for thousands of runners as well", async () => {
    const section = (i: number) =>
      `[[runners]]\nname = "a${i}"\nurl = "${url}"\ntoken = "glrt-${i}"\nexecutor = "shell"\n`;
    const { host, ops } = prepared(Array.from({ length: 1200 }, (_, i) => section(i)).join(""));
    const { exit, out, err } = await ops(...words);
    expect(exit).toBe(0);
    const hint = /set (--concurrent) (\d+)/.exec(out + err)?.slice(1) ?? [];
    expect(hint).toEqual(["--concurrent", "1201"]);
    expect((await ops(...words, ...hint)).exit).toBe(0);
    expect(host.text(configPath)).toStartWith("concurrent = 1201\n");
  });
});

describe("an address of GitLab", () => {
  for (const spelling of [
    "https://GitLab.Test",
    "https://gitlab.test:443",
    "https://gitlab.test.",
    "https://gitlab.test//",
    "https://gitlab.test/ci",
    "HTTPS://gitlab.test/",
  ]) {
    test(`register: ${spelling} in config.toml is the runner of ${url}, which is updated`, async () => {
      const user = spelling.replace("//", "//oauth2:secret@");
      for (const there of [spelling, user]) {
        const section = `[[runners]]\nname = "a"\nurl = "${there}"\ntoken = "${token}"\nexecutor = "shell"\n`;
        const { host, ops } = prepared(`concurrent = 1\n${section}`);
        expect((await ops(...register, "--profile", "ci", "--token", token)).exit).toBe(0);
        expect(host.text(configPath)?.match(/\[\[runners\]\]/g)).toHaveLength(1);
        expect(host.text(configPath)).toContain(`url = "${there}"\n`);
        expect(await ops("gitlab-runner", "list")).toMatchObject({ out: expect.stringMatching(/\tours\n$/) });
      }
    });
  }

  test("register: a token that is configured for another address is refused, and GitLab is not contacted", async () => {
    for (const other of ["http://gitlab.test", "https://gitlab.test:8443", "https://gitlab.test/sub"]) {
      const section = `[[runners]]\nname = "a"\nurl = "${other}"\ntoken = "${token}"\nexecutor = "shell"\n`;
      const { host, gitlab, ops } = prepared(section);
      const before = host.listing();
      for (const more of [[], ["--dry-run"]]) {
        const said = await ops(...register, "--profile", "ci", "--token", token, ...more);
        expect(said.exit).toBe(1);
        expect(said.out + said.err).toContain(`runner a has this token already, for ${other}`);
        expectKept(host, token, said);
      }
      expect(gitlab.sent).toEqual([]);
      expect(host.listing()).toEqual(before);
    }
  });
});

describe("unregister", () => {
  test("unregister: the runner is deleted in GitLab, its section is removed, and the rest stays", async () => {
    const { host, gitlab, ops } = prepared("# mine\nconcurrent = 1\n");
    await ops(...register, "--profile", "ci", "--token", token);
    const { exit, out } = await ops("gitlab-runner", "unregister", "edox-ops CI runner");
    expect([exit, out]).toEqual([0, expect.stringContaining("Unregistered runner edox-ops CI runner.")]);
    expect(gitlab.sent.at(-1)).toMatchObject({
      path: "runners/managers",
      body: { token, system_id: "s_0123456789ab" },
    });
    expect(host.text(configPath)).toBe("# mine\nconcurrent = 1\n");
    expect(host.stat("/etc/edox-ops/runner.json")).toBeNull();
  });

  test("unregister: a foreign runner and an unknown name are refused", async () => {
    const { host, ops } = prepared(
      `[[runners]]\nname = "theirs"\nurl = "${url}"\ntoken = "${token}"\nexecutor = "shell"\n`,
    );
    const before = host.listing();
    expect((await ops("gitlab-runner", "unregister", "theirs")).err).toContain("theirs was not registered by edox-ops");
    expect((await ops("gitlab-runner", "unregister", "nobody")).err).toContain("there is no runner nobody");
    expect(host.listing()).toEqual(before);
  });

  test("unregister: a name on two servers needs --url, and only that runner is removed", async () => {
    const { host, ops } = prepared();
    fakeGitLab(host, "https://other.test").runners.set("glrt-other-0123", 7);
    await ops(...register, "--profile", "ci", "--token", token, "--concurrent", "2");
    await ops(
      "gitlab-runner",
      "register",
      "--url",
      "https://other.test",
      "--profile",
      "ci",
      "--token",
      "glrt-other-0123",
    );
    const both = await ops("gitlab-runner", "unregister", "edox-ops CI runner", "--quiet");
    expect([both.exit, both.err]).toEqual([2, expect.stringContaining("select one with --url")]);
    expect(both.err).toContain(`hint: edox-ops gitlab-runner unregister 'edox-ops CI runner' --quiet --url ${url}\n`);
    expect((await ops("gitlab-runner", "unregister", "edox-ops CI runner", "--url", url)).exit).toBe(0);
    expect(host.text(configPath)).not.toContain(token);
    expect((await ops("gitlab-runner", "list")).out).toBe("edox-ops CI runner\thttps://other.test\tdocker\tours\n");
    // The copy of the previous file does not contain its token either.
    expect([...host.nodes.keys()].filter((path) => host.text(path)?.includes(token))).toEqual([]);
  });

  const renamed = "https://renamed.test";
  /** Returns a host with a registered runner whose GitLab has another address in config.toml and responds there. */
  async function moved(edit: (config: string) => string = (config) => config.replace(url, renamed)) {
    const { host, gitlab, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    host.put(configPath, edit(host.text(configPath) ?? ""), { mode: 0o600 });
    const now = fakeGitLab(host, renamed);
    now.runners.set(token, 41);
    return { host, gitlab, now, ops };
  }

  test("unregister: a runner whose url was edited is recognised by number and name, and deleted at its present GitLab", async () => {
    const { host, gitlab, now, ops } = await moved();
    const { length } = gitlab.sent;
    expect((await ops("gitlab-runner", "list")).out).toBe(`edox-ops CI runner\t${renamed}\tdocker\tours\n`);
    expect(await ops("gitlab-runner", "unregister", "edox-ops CI runner")).toMatchObject({ exit: 0, err: "" });
    expect(now.sent.map(({ path, body }) => [path, body.token])).toEqual([["runners/managers", token]]);
    expect(gitlab.sent).toHaveLength(length);
    expect(host.text(configPath)).toBe("concurrent = 1\n");
    expect(host.stat("/etc/edox-ops/runner.json")).toBeNull();
  });

  test("register: a runner whose url was edited keeps one entry in the record, with the new address", async () => {
    const { host, ops } = await moved();
    const words = ["gitlab-runner", "register", "--url", renamed, "--profile", "ci", "--token", token];
    expect((await ops(...words)).exit).toBe(0);
    const { runners } = JSON.parse(host.text("/etc/edox-ops/runner.json") ?? "");
    expect(runners).toEqual([{ url: renamed, id: 41, name: "edox-ops CI runner", privileged: true }]);
  });

  test("unregister: a section of the same name that may be another runner is refused, and nothing is changed", async () => {
    for (const edit of [
      (config: string) => config.replace(url, renamed).replace("id = 41", "id = 7"),
      (config: string) => config.replace(url, renamed).replace("id = 41\n", ""),
    ]) {
      const { host, now, ops } = await moved(edit);
      const before = host.listing();
      for (const more of [[], ["--force"]]) {
        const { exit, err } = await ops("gitlab-runner", "unregister", "edox-ops CI runner", ...more);
        expect([exit, err]).toEqual([1, expect.stringContaining(`with ${renamed}: it is unclear whether they are`)]);
        expect(err).toContain("hint: gitlab-runner unregister --name 'edox-ops CI runner'\n");
      }
      expect([host.listing(), now.sent]).toEqual([before, []]);
    }
  });

  test("unregister: two sections of one token are removed together, and a foreign one of the same name is reported", async () => {
    const foreign = `\n[[runners]]\n  name = "edox-ops CI runner"\n  url = "${url}"\n  id = 50\n  token = "glrt-foreign-01"\n  executor = "shell"\n`;
    const { host, ops } = await moved((config) => {
      const section = config.slice(config.indexOf("[[runners]]"));
      return `${config}\n${section}${foreign}`;
    });
    const { exit, out } = await ops("gitlab-runner", "unregister", "edox-ops CI runner");
    const warning = `still has another runner edox-ops CI runner, with ${url} (50)`;
    expect([exit, out]).toEqual([0, expect.stringContaining(warning)]);
    const { runners } = parseToml(host.text(configPath) ?? "", { path: configPath, array: "runners" }) as {
      runners: { id: number }[];
    };
    expect(runners.map(({ id }) => id)).toEqual([50]);
  });

  test("unregister: two runners of one name at one GitLab are distinguished by their numbers", async () => {
    const { host, gitlab, ops } = prepared();
    gitlab.runners.set("glrt-another-0123", 42);
    for (const each of [token, "glrt-another-0123"]) {
      expect((await ops(...register, "--profile", "ci", "--token", each)).exit).toBe(0);
    }
    const { exit, err } = await ops("gitlab-runner", "unregister", "edox-ops CI runner");
    expect([exit, err]).toEqual([2, expect.stringContaining(`is registered twice with ${url}, as 41 and as 42`)]);
    expect(err).toContain("hint: edox-ops gitlab-runner unregister 41\n");
    expect((await ops("gitlab-runner", "unregister", "42")).exit).toBe(0);
    expect(host.text(configPath)?.match(/token = .*/g)).toEqual([`token = "${token}"`]);
  });

  test("unregister: GitLab is not contacted while another run holds the lock", async () => {
    const { host, gitlab, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    host.locks.set("/run/edox-ops/host.lock", { pid: 7, command: "edox-ops bootstrap --yes", sinceMs: 0 });
    const { length } = gitlab.sent;
    expect((await ops("gitlab-runner", "unregister", "edox-ops CI runner")).exit).toBe(75);
    expect(gitlab.sent).toHaveLength(length);
  });

  test("unregister: a record without a section, from a killed run, is removed", async () => {
    const { host, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    host.put(configPath, "concurrent = 1\n", { mode: 0o600 });
    const { exit, err } = await ops("gitlab-runner", "unregister", "edox-ops CI runner");
    expect([exit, err]).toEqual([
      0,
      expect.stringContaining(`GitLab was not contacted: delete it at ${url} if it exists`),
    ]);
    expect(host.stat("/etc/edox-ops/runner.json")).toBeNull();
  });

  test("unregister: an invalid foreign section without a name does not prevent it", async () => {
    const { host, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    host.put(configPath, `${host.text(configPath)}\n[[runners]]\nurl = "${url}"\n`, { mode: 0o600 });
    expect((await ops("gitlab-runner", "unregister", "edox-ops CI runner")).exit).toBe(0);
  });

  test("unregister: a response that is not GitLab's keeps the runner, for any status code", async () => {
    const { host, gitlab, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    const before = host.listing();
    for (const answer of [
      { status: 403, body: "<html>blocked</html>" },
      { status: 404, body: "<html>no such page</html>" },
      { status: 404, body: { error: "404 Not Found" } },
      { status: 200, body: "<html>please log in</html>" },
      { status: 407, proxy: "http://proxy.test:3128", body: "" },
    ]) {
      gitlab.next.push(answer);
      const { exit, err } = await ops("gitlab-runner", "unregister", "edox-ops CI runner");
      expect([exit, err]).toEqual([1, expect.stringMatching(/ answers (200|403|404)|requires a user name/)]);
      expect(host.listing()).toEqual(before);
    }
    gitlab.next.push(forbidden);
    const { exit, err } = await ops("gitlab-runner", "unregister", "edox-ops CI runner");
    expect([exit, err]).toEqual([0, expect.stringContaining("no longer had edox-ops CI runner")]);
    expect(host.text(configPath)).not.toContain(token);
  });

  test("unregister: an unreachable GitLab keeps the runner, unless --force is given", async () => {
    const { host, gitlab, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    gitlab.next.push(...Array(5).fill({ status: 500 }));
    const before = host.text(configPath);
    expect((await ops("gitlab-runner", "unregister", "edox-ops CI runner")).exit).toBe(1);
    expect(host.text(configPath)).toBe(before);
    gitlab.next.push({ status: 500 });
    const forced = await ops("gitlab-runner", "unregister", "edox-ops CI runner", "--force");
    expect([forced.exit, forced.err]).toEqual([
      0,
      expect.stringContaining("GitLab could not be contacted; delete edox-ops"),
    ]);
    expect(host.text(configPath)).toBe("concurrent = 1\n");
    await ops(...register, "--profile", "ci", "--token", token);
    gitlab.next.push({ status: 500 });
    const json = await ops("gitlab-runner", "unregister", "edox-ops CI runner", "--force", "--json");
    expect(JSON.parse(json.out).warnings).toEqual([
      expect.stringContaining("GitLab could not be contacted; delete edox-ops"),
    ]);
  });

  for (const [what, fault, said] of [
    ["is immutable", "EPERM: operation not permitted", "or its directory is immutable: "],
    ["is on a full disk", "ENOSPC: no space left on device", "no space left at /etc/gitlab-runner: "],
  ] as const) {
    test(`unregister: GitLab is not contacted if config.toml ${what}, even with --force`, async () => {
      const { host, gitlab, ops } = prepared();
      await ops(...register, "--profile", "ci", "--token", token);
      const { length } = gitlab.sent;
      const write = host.writeFile;
      host.writeFile = (path, bytes, attributes) => {
        if (path === configPath) throw new Error(`${fault}, rename '${configPath}' -> '${configPath}'`);
        write(path, bytes, attributes);
      };
      const before = host.listing("/etc");
      for (const more of [[], ["--force"]]) {
        const { exit, err } = await ops("gitlab-runner", "unregister", "edox-ops CI runner", ...more);
        expect([exit, err]).toEqual([1, expect.stringContaining(said)]);
      }
      expect(gitlab.sent).toHaveLength(length);
      expect(host.listing("/etc")).toEqual(before);
    });
  }

  test("unregister: GitLab is not contacted if the section cannot be removed from config.toml", async () => {
    const { host, gitlab, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    const { length } = gitlab.sent;
    host.put(configPath, `Runners = []\n${host.text(configPath)}`, { mode: 0o600 });
    const { exit, err } = await ops("gitlab-runner", "unregister", "edox-ops CI runner");
    expect([exit, err]).toEqual([1, expect.stringContaining("runners wrong: it should be spelled in this case")]);
    expect(gitlab.sent).toHaveLength(length);
  });
});
