// A registration, as it is typed: what GitLab is asked, what is written, and what a refusal leaves.

import { afterEach, describe, expect, test } from "bun:test";
import { parseConfig } from "../../src/runner/config-text.ts";
import { secretLine, typedWords, variables } from "../cli/typed.ts";
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

/** With Docker and gitlab-runner, as prepare-ci-host leaves it. */
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

/** No word, no file that others read and no child has it. */
function expectKept(host: FakeHost, secret: string, ...said: { out: string; err: string }[]) {
  for (const { out, err } of said) expect(out + err).not.toContain(secret);
  expect(host.ran.join("\n")).not.toContain(secret);
  const open = [...host.nodes.keys()].filter((path) => !path.startsWith("/etc/gitlab-runner/"));
  for (const path of open) expect(host.text(path) ?? "").not.toContain(secret);
}

describe("a runner with a token of its own", () => {
  test("is asked for at GitLab, written once, and said to be set there", async () => {
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

  test("is brought in line where it is there already, and nothing else changes", async () => {
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

  test("is taken from stdin, a file or the environment, and a hint never shows it", async () => {
    for (const words of [["--token", "-"], ["--token-file", "/root/token"], []]) {
      const { host, gitlab, ops } = prepared();
      gitlab.runners.set(secretLine, 42);
      host.put("/root/token", `${secretLine}\n`, { mode: 0o600 });
      if (words.length === 0) variables.EDOX_RUNNER_TOKEN = secretLine;
      expect((await ops(...register, "--profile", "ci", ...words)).exit).toBe(0);
      expect(host.text(configPath)).toContain(`id = 42\n`);
    }
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

  test("warning: a privileged runner beside a public site names both and ci-rootless", async () => {
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

  test("is registered where gitlab-runner was installed by hand, which upgrade and uninstall leave alone", async () => {
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

  test("takes the place of one of ours with --replace, and GitLab is told", async () => {
    const { host, gitlab, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    gitlab.runners.set("glrt-the-next-one", 43);
    const { exit, out } = await ops(...register, "--profile", "ci", "--token", "glrt-the-next-one", "--replace");
    // One runner is there before and after.
    expect(out).not.toContain("--concurrent");
    expect(exit).toBe(0);
    expect(host.text(configPath)?.match(/token = .*/g)).toEqual(['token = "glrt-the-next-one"']);
    expect(gitlab.sent.at(-1)).toMatchObject({ path: "runners/managers", body: { token } });
    expect(JSON.parse(host.text("/etc/edox-ops/runner.json") ?? "").runners).toHaveLength(1);
  });

  test("with a shell brings the group docker, which is said to be as good as root", async () => {
    const { host, ops } = prepared();
    const { exit, out } = await ops(...register, "--token", token);
    expect(exit).toBe(0);
    expect(out).toContain("as good as root");
    expect(host.ran).toContain("usermod -a -G docker gitlab-runner");
  });

  test("with a shell on a host without Docker is registered all the same", async () => {
    const { host, ops } = prepared();
    host.put("/etc/group", "root:x:0:\n");
    host.remove("/run/docker.sock");
    const { exit, out } = await ops(...register, "--token", token);
    expect([exit, out]).toEqual([0, expect.stringContaining("passed over: there is no Docker on this host")]);
    host.put("/run/docker.sock", "");
    const running = await ops(...register, "--token", token);
    expect([running.exit, running.out]).toEqual([
      0,
      expect.stringContaining("Docker runs, but there is no group docker"),
    ]);
    // Podman's socket is a link to the one that it listens at.
    host.link("/run/docker.sock", "/run/podman/podman.sock");
    host.put("/proc/net/unix", "ffff: 00000002 00000000 00010000 0001 01 4711 /run/podman/podman.sock\n");
    expect((await ops(...register, "--token", token)).out).toContain("Docker runs, but there is no group docker");
    // Nobody listens there: an engine that was uninstalled left it.
    host.put("/proc/net/unix", "Num RefCount Protocol Flags Type St Inode Path\n");
    const left = await ops(...register, "--token", token);
    expect([left.exit, left.out]).toEqual([0, expect.stringContaining("there is no Docker on this host")]);
    host.remove("/run/docker.sock");
    const { exit: refused, err } = await ops(...register, "--profile", "ci", "--token", "glrt-another-one");
    expect([refused, err]).toEqual([1, expect.stringContaining("no Docker answers on this host")]);
  });

  test("is taken where the service says nothing, as it does at a higher log level; only a refusal puts it back", async () => {
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

  test("in line is nothing to --check, and one to be made is no fault", async () => {
    const { host, gitlab, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    const { length } = gitlab.sent;
    expect((await ops(...register, "--profile", "ci", "--token", token, "--check")).exit).toBe(0);
    expect((await ops(...register, "--profile", "ci", "--access-token", "glpat-01234567", "--check")).exit).toBe(3);
    expect(gitlab.sent).toHaveLength(length);
    expect(host.text(configPath)).not.toContain("to-be-asked-for");
  });

  test("that is written somewhere else on the line is not shown", async () => {
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

  test("is planned without a word to GitLab, and without its token", async () => {
    const { host, gitlab, ops } = prepared();
    const before = host.listing();
    const said = await ops(...register, "--profile", "ci", "--token", token, "--dry-run", "--diff");
    expect(said.exit).toBe(0);
    expect(said.out).toContain(configPath);
    expect(gitlab.sent).toEqual([]);
    expect(host.listing()).toEqual(before);
    expectKept(host, token, said);
  });

  test("is told its end, so that the runner asks for a new token in time", async () => {
    const { host, gitlab, ops } = prepared();
    gitlab.next.push({ status: 200, body: { id: 41, token, token_expires_at: "2027-03-01T10:00:00.000+01:00" } });
    await ops(...register, "--profile", "ci", "--token", token);
    expect(host.text(configPath)).toContain("token_expires_at = 2027-03-01T09:00:00Z\n");
  });
});

describe("a runner that is made in GitLab", () => {
  test("has its tags and guards there, and is registered in the same go", async () => {
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

  test("is of one owner: another is refused, and told how", async () => {
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

  test("and was deleted there is made anew with --replace only", async () => {
    const { host, gitlab, ops } = prepared();
    gitlab.accessTokens.add("glpat-0123456789");
    const words = [...register, "--profile", "ci", "--access-token", "glpat-0123456789"];
    await ops(...words);
    gitlab.runners.clear();
    expect((await ops(...words)).err).toContain("say --replace to make it anew");
    expect((await ops(...words, "--replace")).exit).toBe(0);
    expect(host.text(configPath)?.match(/\[\[runners\]\]/g)).toHaveLength(1);
  });

  test("and is not known there a moment later is taken back", async () => {
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

  test("is deleted there with unregister: it was made for this host", async () => {
    const { gitlab, ops } = prepared();
    gitlab.accessTokens.add("glpat-0123456789");
    await ops(...register, "--profile", "ci", "--access-token", "glpat-0123456789");
    expect(gitlab.runners.size).toBe(2);
    expect((await ops("gitlab-runner", "unregister", "edox-ops CI runner")).exit).toBe(0);
    expect([...gitlab.runners.keys()]).toEqual([token]);
  });

  test("is taken back there when it cannot be written here", async () => {
    const { host, gitlab, ops } = prepared();
    gitlab.accessTokens.add("glpat-0123456789");
    host.broken.add(configPath);
    const before = host.text(configPath);
    const { exit } = await ops(...register, "--profile", "ci", "--access-token", "glpat-0123456789");
    expect(exit).toBe(1);
    expect([...gitlab.runners.keys()]).toEqual([token]);
    expect(host.text(configPath)).toBe(before);
  });

  test("with a registration token of old is made once", async () => {
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

describe("what GitLab refuses changes nothing here", () => {
  const html = "<html>404</html>";
  type Refusal = [string, object[], string, number];
  const refusals: Refusal[] = [
    ["a token that it does not know", [forbidden], "does not know this token", 1],
    ["an answer that is no GitLab's", [{ status: 200, body: html }], "not as a GitLab does", 1],
    ["an answer without a number", [{ status: 200, body: {} }], "not as a GitLab does", 1],
    [
      "a token that would break the file",
      [{ status: 200, body: { id: 1, token: 'a"\n[x]' } }],
      "not as a GitLab does",
      1,
    ],
    [
      "an expiry date beyond the year 9999 is an invalid answer",
      [{ status: 200, body: { id: 1, token_expires_at: "+200000-01-01T00:00:00Z" } }],
      "answers with an invalid date in token_expires_at: '+200000-01-01T00:00:00Z'",
      1,
    ],
    [
      "an expiry date that is no date is an invalid answer",
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
      "a token refused by a page of a filter is not called unknown",
      [{ status: 403, headers: { server: "cloudflare" }, body: "<html>blocked</html>" }],
      "https://gitlab.test answers 403, but not as GitLab does (text/html from cloudflare): a proxy or firewall",
      1,
    ],
    [
      "a login page in between is not called an unknown token",
      [{ status: 401, type: "text/html; charset=utf-8", body: '{"message":"401 Unauthorized"}' }],
      "answers 401, but not as GitLab does (text/html; charset=utf-8)",
      1,
    ],
    [
      "JSON of another server is not called an unknown token",
      [{ status: 403, body: { message: "Forbidden" } }],
      "https://gitlab.test answers 403 (Forbidden)\n",
      1,
    ],
    [
      "a runner's answer that is no JSON is not believed",
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
      "GitLab's own refusal is believed through a proxy",
      [{ ...forbidden, proxy: "http://proxy.test:3128" }],
      "does not know this token",
      1,
    ],
    ["a page that is not there", [{ status: 404, body: html }], "answers 404: is the address right?", 1],
    [
      "a redirect",
      [{ status: 302, headers: { location: "https://gitlab.com/" } }],
      "redirects to https://gitlab.com/",
      1,
    ],
    ["too many requests", Array(5).fill({ status: 429 }), "answers 429: try again later", 5],
    ["too many requests for long", [{ status: 429, headers: { "retry-after": "3600" } }], "answers 429", 1],
    ["a server that is not well", Array(5).fill({ status: 503 }), "answers 503: try again later", 5],
    ["its own words", [{ status: 400, body: { message: { tags: [`bad ${token}`] } } }], "answers 400 ({", 1],
    ["control characters", [{ status: 400, body: { message: "a\u001b[2Jb\nc" } }], "answers 400 (ab c)", 1],
    ["a page of megabytes", [{ status: 400, body: { message: "x".repeat(5_000_000) } }], `(${"x".repeat(200)})`, 1],
    ["words that an object inherits", [{ status: 400, body: '{"__proto__": {"message": "x"}}' }], "answers 400\n", 1],
    ["no content", [{ status: 204 }], "answers 204", 1],
    ["a list", [{ status: 200, body: [1] }], "not as a GitLab does", 1],
    ["null", [{ status: 200, body: "null" }], "not as a GitLab does", 1],
    ...[-1, 0, 1.5, 2 ** 53, "1", null].map((id): Refusal => {
      return [`the number ${JSON.stringify(id)}`, [{ status: 200, body: { id } }], "not as a GitLab does", 1];
    }),
    ...["2027-13-01", "2027-03-01T10:00:00Z\n[[runners]]", "-000001-01-01T00:00:00Z"].map((end): Refusal => {
      const body = { id: 41, token, token_expires_at: end };
      return [`the end ${JSON.stringify(end)}`, [{ status: 200, body }], "invalid date in token_expires_at", 1];
    }),
    ...[1, {}].map((end): Refusal => {
      const body = { id: 41, token, token_expires_at: end };
      return [`the end ${JSON.stringify(end)}`, [{ status: 200, body }], "not as a GitLab does", 1];
    }),
    ...["file:///etc/passwd", "http://169.254.169.254/latest/meta-data/", "//evil.test/"].map((location): Refusal => {
      const answer = { status: 307, headers: { location } };
      return [`a redirect with the token to ${location}`, [answer], `redirects to ${location}`, 1];
    }),
    [
      "a redirect that would move the cursor",
      [{ status: 302, headers: { location: "\u001b[2J\u0007x\n" } }],
      "to \\u0007x,",
      1,
    ],
    ["a redirect to nowhere", [{ status: 302 }], "redirects to nowhere", 1],
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

  test("hint: a refused token repeats all of the command but the secret", async () => {
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
      test(`${start} for ${flag} is named, never printed, and GitLab is not asked`, async () => {
        const { host, gitlab, ops } = prepared();
        const before = host.listing();
        const said = await ops(...register, "--profile", "ci", flag, `${start}${secret}`);
        expect([said.exit, said.out, said.err]).toEqual([2, "", `error: ${flag} is ${words}\n${hint} ${instead} -\n`]);
        expect([host.listing(), gitlab.sent]).toEqual([before, []]);
        expectKept(host, secret, said, await ops("gitlab-runner", "list", `${start}${secret}`));
      });
    }

    test("from a file or a variable is named as well, and the hint asks for the right one", async () => {
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

    test("a runner authentication token of a runner that a registration token made is taken as one", async () => {
      const { host, gitlab, ops } = prepared();
      gitlab.runners.set(`glrtr-${secret}`, 44);
      expect((await ops(...register, "--profile", "ci", "--token", `glrtr-${secret}`)).exit).toBe(0);
      expect(gitlab.sent.map(({ path }) => path)).toEqual(["runners/verify"]);
      expect(host.text(configPath)).toContain("id = 44\n");
    });
  });

  test("hint: a GitLab that has moved is offered by its own address, in the whole command", async () => {
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

  test("a runner made with an invalid expiry date is deleted in GitLab again", async () => {
    const { host, gitlab, ops } = prepared();
    gitlab.runners.set("glrt-made-1", 1);
    gitlab.next.push({ status: 201, body: { id: 1, token: "glrt-made-1", token_expires_at: "200000-01-01" } });
    const before = host.listing();
    const { exit, err } = await ops(...register, "--profile", "ci", "--access-token", "glpat-12345678");
    expect([exit, err]).toEqual([1, expect.stringContaining("invalid date in token_expires_at")]);
    expect([gitlab.runners.has("glrt-made-1"), host.listing()]).toEqual([false, before]);
  });

  test("a server that is well again in a moment is waited for, however it says when", async () => {
    for (const after of ["2", "-5", "0", "1e1", "Infinite", "Wed, 21 Oct 2015 07:28:00 GMT", ""]) {
      const { gitlab, ops } = prepared();
      gitlab.next.push({ status: 500 }, { status: 429, headers: { "retry-after": after } });
      expect((await ops(...register, "--profile", "ci", "--token", token)).exit).toBe(0);
    }
  });

  test("registration tokens that are turned off, and an access token that may not", async () => {
    const { host, gitlab, ops } = prepared();
    const before = host.listing();
    const old = await ops(...register, "--profile", "ci", "--token", "GR1348941-old-token");
    expect(old.err).toContain("takes no registration tokens any more");
    gitlab.next.push({ status: 403, body: { error: "insufficient_scope" } });
    const access = await ops(...register, "--profile", "ci", "--access-token", "glpat-small-scope");
    expect(access.err).toContain("needs the scope create_runner, and its owner the right (insufficient_scope)");
    const nobody = await ops("gitlab-runner", "register", "--url", "https://nobody.test", "--token", token);
    expect(nobody.err).toContain("https://nobody.test cannot be reached: nobody listens there");
    expect(host.listing()).toEqual(before);
  });
});

describe("register: what the Python version took is taken:", () => {
  const recorded = (host: FakeHost) => JSON.parse(host.text("/etc/edox-ops/runner.json") ?? "");

  test("an empty --tags is none, and the tags of a profile; empty tags in a list are left out", async () => {
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

  test("an unknown profile is ignored with a warning, and recorded", async () => {
    const { host, ops } = prepared();
    expect(await ops(...register, "--token", token, "--profile", "other")).toMatchObject({
      exit: 0,
      err: "warning: profile 'other' is unknown and ignored: there are ci, ci-rootless, or a file.toml\n",
    });
    expect(recorded(host)).toMatchObject({ profile: "other", executor: "shell" });
  });

  test("the executor of a profile is its own, whatever is asked for", async () => {
    const { host, ops } = prepared();
    expect(await ops(...register, "--token", token, "--profile", "ci", "--executor", "shell")).toMatchObject({
      exit: 0,
      err: "warning: --executor shell is ignored: profile ci has the executor docker\n",
    });
    expect(recorded(host)).toMatchObject({ profile: "ci", executor: "docker", docker_privileged: true });
  });

  test("the docker executor without an image has the one of profile ci", async () => {
    const { host, ops } = prepared();
    expect(await ops(...register, "--token", token, "--executor", "docker")).toMatchObject({ exit: 0, err: "" });
    expect(host.text(configPath)).toContain('image = "python:3.11-bookworm"');
    expect(recorded(host)).toMatchObject({ docker_image: "python:3.11-bookworm", docker_privileged: false });
  });

  test("the query of an address is dropped", async () => {
    for (const query of ["/?utm=1&x=%20", "?a", "#runners"]) {
      const { host, ops } = prepared();
      const words = ["gitlab-runner", "register", "--url", `${url}${query}`, "--token", token];
      expect(await ops(...words)).toMatchObject({ exit: 0, err: "" });
      expect(host.text(configPath)).toMatch(/url = "https:\/\/gitlab\.test\/?"/);
      expect(recorded(host).url).toMatch(/^https:\/\/gitlab\.test\/?$/);
    }
  });

  test("an empty --token leaves the variable to say it", async () => {
    const { ops } = prepared();
    variables.EDOX_RUNNER_TOKEN = token;
    expect(await ops(...register, "--token", "")).toMatchObject({ exit: 0, err: "" });
  });
});

describe("what cannot be is refused before GitLab is asked", () => {
  const wrong: [string[], string][] = [
    [["--token", token], "--url is missing"],
    [["--url", "ftp://gitlab.test", "--token", token], "is no http or https address"],
    [["--url", "https://user:password@gitlab.test", "--token", token], "is no http or https address"],
    [["--url", url, "--token", "glrt-a b"], "the token is not one"],
    [["--url", url, "--token", token, "--token-file", "/x"], "two ways to say who this is"],
    [["--url", url, "--token-file", "/none"], "--token-file /none is not there"],
    [["--url", url, "--token", token, "--profile", "cii"], "unknown profile 'cii', did you mean ci?"],
    [["--url", url, "--token", token, "--profile", "/none.toml"], "--profile /none.toml is not there"],
    [["--url", url, "--token", token, "--profile", "ci", "--docker-volumes", "cache"], "no absolute path"],
    [["--url", url, "--token", token, "--concurrent", "0"], "no number from 1 to 100000"],
    [["--url", url, "--token", token, "--tags", "a\u0007b"], "one with a control character"],
    [["--url", url, "--token", token, "--ca-file", "ca.pem"], "no absolute path"],
    [["--url", url, "--token", token, "--ca-file", "/etc/group"], "has no certificate in it"],
    [["--url", url, "--token", token, "--project", "7"], "are said to GitLab with --access-token"],
    [["--url", url, "--access-token", "glpat-01234567", "--project", "a/b"], "is not the number that GitLab shows"],
    [["--url", url, "--access-token", "glpat-01234567", "--project", "1", "--group", "2"], "two owners"],
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
    });
  }

  test("no token at all is exit 1, as the Python version has it", async () => {
    for (const words of [[], ["--token", ""]]) {
      const { exit, err } = await prepared().ops(...register, ...words);
      expect([exit, err]).toEqual([1, expect.stringContaining("error: no token is given")]);
      expect(err).toEndWith(`hint: edox-ops ${register.join(" ")} --token -\n`);
    }
  });

  test("a file that is no TOML, or has a key of another kind, is named and left, and nothing of it is shown", async () => {
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

describe("register: what a file, a shell or an object would take for more than text is the text of one runner", () => {
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
      const { runners } = parseConfig(host.text(configPath) ?? "", configPath) as { runners: unknown[] };
      const docker = { image: text, privileged: false, volumes: ["/cache", "/certs/client", `/${text}`] };
      expect(runners).toEqual([expect.objectContaining({ name: text, url, token, docker })]);
      expect(host.ran.join("\n")).not.toContain(text);
      expect((await ops("gitlab-runner", "unregister", text)).exit).toBe(0);
      expect(host.text(configPath)).toBe("concurrent = 1\n");
    });
  }

  test("with a control character it is refused", async () => {
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

describe("config.toml: a file in an odd state", () => {
  const registering = [...register, "--profile", "ci", "--token", token];

  test("that is a link is refused by every command that would read or change it", async () => {
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

  test("is made where it is missing, and filled where it is empty, for root alone", async () => {
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

  test("stays its owner's, and is closed to others", async () => {
    const { host, ops } = prepared();
    host.put(configPath, "concurrent = 1\n", { uid: 999, gid: 998, mode: 0o664 });
    expect((await ops(...registering)).exit).toBe(0);
    expect(host.stat(configPath)).toMatchObject({ uid: 999, gid: 998, mode: 0o600 });
    expect(host.stat(`${configPath}.before-edox-ops`)).toMatchObject({ uid: 999, gid: 998, mode: 0o600 });
  });

  test("with line ends of Windows, tabs and unknown keys keeps them to the byte", async () => {
    const theirs =
      '# kept\r\nconcurrent = 1\r\nlater = { x = 1 }\r\n\r\n[[runners]]\r\n\tname = "a"\r\n\turl = "https://a.test"\r\n\ttoken = "glrt-theirs-1234"\r\n\texecutor = "shell"\r\n\tunknown = [ 1,\r\n\t\t2 ]\r\n';
    const { host, ops } = prepared(theirs);
    expect((await ops(...registering)).exit).toBe(0);
    expect(host.text(configPath)).toStartWith(theirs);
    expect((await ops("gitlab-runner", "unregister", "edox-ops CI runner")).exit).toBe(0);
    expect(host.text(configPath)).toBe(theirs);
  });

  test("that another program appends to while GitLab is asked keeps what came", async () => {
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

  test("that four registrations and a removal change at once has the runner of each", async () => {
    const { host, gitlab, ops } = prepared();
    expect((await ops(...registering)).exit).toBe(0);
    const numbers = [1, 2, 3, 4];
    const all = numbers.map((number) => {
      gitlab.runners.set(`${token}-${number}`, number);
      return ops(...register, "--description", `r${number}`, "--token", `${token}-${number}`);
    });
    const ended = await Promise.all([...all, ops("gitlab-runner", "unregister", "edox-ops CI runner")]);
    expect(ended.map(({ exit }) => exit)).toEqual([0, 0, 0, 0, 0]);
    const { runners } = parseConfig(host.text(configPath) ?? "", configPath) as { runners: { id: number }[] };
    expect(runners.map(({ id }) => id).sort()).toEqual(numbers);
    expect(JSON.parse(host.text("/etc/edox-ops/runner.json") ?? "").runners).toHaveLength(4);
  });

  test("of 1,000 runners is read and changed as one of two", async () => {
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
    test(`${line.split(" --")[0]} says what is missing, and changes nothing`, async () => {
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

describe("a profile of one's own", () => {
  const withProfile = async (profile: string) => {
    const { host, ops } = prepared();
    host.put("/root/mine.toml", profile);
    return { host, said: await ops(...register, "--profile", "/root/mine.toml", "--token", token) };
  };

  test("is a [[runners]] with what the runner should have", async () => {
    const { host, said } = await withProfile(
      '[[runners]]\nname = "mine"\nexecutor = "docker"\nlimit = 3\n[runners.docker]\nimage = "a"\nvolumes = ["/x"]\n[runners.docker.sysctls]\n"net.a" = "1"\n',
    );
    expect(said.exit).toBe(0);
    expect(host.text(configPath)).toMatchSnapshot();
  });

  test("gives a runner no identity, and an object nothing that others inherit", async () => {
    const { host, said } = await withProfile(
      '[[runners]]\nexecutor = "shell"\nurl = "https://evil.test"\ntoken = "glrt-evil"\nid = 7\n[runners.__proto__]\nx = 1\n[runners.constructor.prototype]\ny = 2\n',
    );
    expect(said.exit).toBe(0);
    expect(host.text(configPath)).not.toContain("evil");
    const { runners } = parseConfig(host.text(configPath) ?? "", configPath) as { runners: object[] };
    const found = Object.entries(runners[0] ?? {}).map(([key, value]) => [key, JSON.stringify(value)]);
    expect(found).toContainEqual(["__proto__", '{"x":1}']);
    expect(found).toContainEqual(["constructor", '{"prototype":{"y":2}}']);
    expect([Reflect.get({}, "x"), Reflect.get({}, "y")]).toEqual([undefined, undefined]);
  });

  test("with anything else is refused by name", async () => {
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
    test(`config.toml: ${what} stays to the byte, in the copy as well`, async () => {
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
    test(`config.toml: ${what} is refused by its line, and GitLab is not asked`, async () => {
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
    test(`register: ${path} that ${said.split(",")[0]} is refused, and GitLab is not asked`, async () => {
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

  test("register: a config.toml that is a dangling link is refused, and GitLab is not asked", async () => {
    const { host, gitlab, ops } = prepared();
    host.link(configPath, "/nowhere");
    expect(await ops(...words)).toMatchObject({ exit: 1, err: expect.stringContaining(`${configPath} is a link`) });
    expect(gitlab.sent).toEqual([]);
  });

  for (const [what, fault, said] of [
    [
      "immutable",
      `EPERM: operation not permitted, rename '${configPath}' -> '${configPath}'`,
      `${configPath} or its directory is immutable: ${configPath}: operation not permitted; the files were put back\nhint: lsattr -d /etc/gitlab-runner ${configPath}\n`,
    ],
    [
      "mounted by itself",
      `EBUSY: resource busy or locked, rename '${configPath}' -> '${configPath}'`,
      `${configPath} is mounted by itself, so that it cannot be replaced: ${configPath}: resource busy or locked; the files were put back\nhint: findmnt ${configPath}\n`,
    ],
    [
      "on a full disk",
      `ENOSPC: no space left on device, write '${configPath}'`,
      "no space left at /etc/gitlab-runner: ",
    ],
  ] as const) {
    test(`register: a config.toml that is ${what} is one error with its cause, and everything is as before`, async () => {
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
    const hint = /say (--concurrent) (\d+)/.exec(out + err)?.slice(1) ?? [];
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
    test(`register: ${spelling} in config.toml is the runner of ${url}, which is brought in line`, async () => {
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

  test("register: a token that is configured for another address is refused, and GitLab is not asked", async () => {
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
  test("tells GitLab, takes the section out, and leaves the rest", async () => {
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

  test("is refused for one that somebody else registered, and for none", async () => {
    const { host, ops } = prepared(
      `[[runners]]\nname = "theirs"\nurl = "${url}"\ntoken = "${token}"\nexecutor = "shell"\n`,
    );
    const before = host.listing();
    expect((await ops("gitlab-runner", "unregister", "theirs")).err).toContain("theirs was not registered by edox-ops");
    expect((await ops("gitlab-runner", "unregister", "nobody")).err).toContain("there is no runner nobody");
    expect(host.listing()).toEqual(before);
  });

  test("of one name on two servers says which, and forgets that one only", async () => {
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
    expect([both.exit, both.err]).toEqual([2, expect.stringContaining("say which with --url")]);
    expect(both.err).toContain(`hint: edox-ops gitlab-runner unregister 'edox-ops CI runner' --quiet --url ${url}\n`);
    expect((await ops("gitlab-runner", "unregister", "edox-ops CI runner", "--url", url)).exit).toBe(0);
    expect(host.text(configPath)).not.toContain(token);
    expect((await ops("gitlab-runner", "list")).out).toBe("edox-ops CI runner\thttps://other.test\tdocker\tours\n");
    // Nor is its token in the copy of before.
    expect([...host.nodes.keys()].filter((path) => host.text(path)?.includes(token))).toEqual([]);
  });

  const renamed = "https://renamed.test";
  /** A registered runner whose GitLab has another address in config.toml, and answers there. */
  async function moved(edit: (config: string) => string = (config) => config.replace(url, renamed)) {
    const { host, gitlab, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    host.put(configPath, edit(host.text(configPath) ?? ""), { mode: 0o600 });
    const now = fakeGitLab(host, renamed);
    now.runners.set(token, 41);
    return { host, gitlab, now, ops };
  }

  test("unregister: a runner whose url was edited is ours by its number and name, and its GitLab of now is told", async () => {
    const { host, gitlab, now, ops } = await moved();
    const { length } = gitlab.sent;
    expect((await ops("gitlab-runner", "list")).out).toBe(`edox-ops CI runner\t${renamed}\tdocker\tours\n`);
    expect(await ops("gitlab-runner", "unregister", "edox-ops CI runner")).toMatchObject({ exit: 0, err: "" });
    expect(now.sent.map(({ path, body }) => [path, body.token])).toEqual([["runners/managers", token]]);
    expect(gitlab.sent).toHaveLength(length);
    expect(host.text(configPath)).toBe("concurrent = 1\n");
    expect(host.stat("/etc/edox-ops/runner.json")).toBeNull();
  });

  test("register: a runner whose url was edited keeps one entry in the record, under the new address", async () => {
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

  test("unregister: sections that have the token twice go together, and a foreign one of the name is reported", async () => {
    const foreign = `\n[[runners]]\n  name = "edox-ops CI runner"\n  url = "${url}"\n  id = 50\n  token = "glrt-foreign-01"\n  executor = "shell"\n`;
    const { host, ops } = await moved((config) => {
      const section = config.slice(config.indexOf("[[runners]]"));
      return `${config}\n${section}${foreign}`;
    });
    const { exit, out } = await ops("gitlab-runner", "unregister", "edox-ops CI runner");
    const warning = `still has another runner edox-ops CI runner, with ${url} (50)`;
    expect([exit, out]).toEqual([0, expect.stringContaining(warning)]);
    const { runners } = parseConfig(host.text(configPath) ?? "", configPath) as { runners: { id: number }[] };
    expect(runners.map(({ id }) => id)).toEqual([50]);
  });

  test("unregister: two runners of one name at one GitLab are told apart by their numbers", async () => {
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

  test("unregister: while another run holds the lock GitLab is not told", async () => {
    const { host, gitlab, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    host.locks.set("/run/edox-ops/host.lock", { pid: 7, command: "edox-ops bootstrap --yes", sinceMs: 0 });
    const { length } = gitlab.sent;
    expect((await ops("gitlab-runner", "unregister", "edox-ops CI runner")).exit).toBe(75);
    expect(gitlab.sent).toHaveLength(length);
  });

  test("ends what a run that was killed began: only the record was left", async () => {
    const { host, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    host.put(configPath, "concurrent = 1\n", { mode: 0o600 });
    const { exit, err } = await ops("gitlab-runner", "unregister", "edox-ops CI runner");
    expect([exit, err]).toEqual([
      0,
      expect.stringContaining(`GitLab was not told: delete it at ${url} if it is there`),
    ]);
    expect(host.stat("/etc/edox-ops/runner.json")).toBeNull();
  });

  test("goes on behind a nameless runner of somebody else that has faults", async () => {
    const { host, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    host.put(configPath, `${host.text(configPath)}\n[[runners]]\nurl = "${url}"\n`, { mode: 0o600 });
    expect((await ops("gitlab-runner", "unregister", "edox-ops CI runner")).exit).toBe(0);
  });

  test("keeps the runner when the answer is not GitLab's, whatever the status code", async () => {
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
    expect([exit, err]).toEqual([0, expect.stringContaining("did not know edox-ops CI runner any more")]);
    expect(host.text(configPath)).not.toContain(token);
  });

  test("waits for a GitLab that can be told, unless it is forced", async () => {
    const { host, gitlab, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    gitlab.next.push(...Array(5).fill({ status: 500 }));
    const before = host.text(configPath);
    expect((await ops("gitlab-runner", "unregister", "edox-ops CI runner")).exit).toBe(1);
    expect(host.text(configPath)).toBe(before);
    gitlab.next.push({ status: 500 });
    const forced = await ops("gitlab-runner", "unregister", "edox-ops CI runner", "--force");
    expect([forced.exit, forced.err]).toEqual([0, expect.stringContaining("GitLab was not told, so delete edox-ops")]);
    expect(host.text(configPath)).toBe("concurrent = 1\n");
    await ops(...register, "--profile", "ci", "--token", token);
    gitlab.next.push({ status: 500 });
    const json = await ops("gitlab-runner", "unregister", "edox-ops CI runner", "--force", "--json");
    expect(JSON.parse(json.out).warnings).toEqual([expect.stringContaining("GitLab was not told, so delete edox-ops")]);
  });

  for (const [what, fault, said] of [
    ["is immutable", "EPERM: operation not permitted", "or its directory is immutable: "],
    ["is on a full disk", "ENOSPC: no space left on device", "no space left at /etc/gitlab-runner: "],
  ] as const) {
    test(`unregister: GitLab is not told where config.toml ${what}, with --force neither`, async () => {
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

  test("unregister: GitLab is not told where the runner cannot be cut out of config.toml", async () => {
    const { host, gitlab, ops } = prepared();
    await ops(...register, "--profile", "ci", "--token", token);
    const { length } = gitlab.sent;
    host.put(configPath, `Runners = []\n${host.text(configPath)}`, { mode: 0o600 });
    const { exit, err } = await ops("gitlab-runner", "unregister", "edox-ops CI runner");
    expect([exit, err]).toEqual([1, expect.stringContaining("runners wrong: it should be spelled in this case")]);
    expect(gitlab.sent).toHaveLength(length);
  });
});
