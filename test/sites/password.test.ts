// The password of a site: its file, its nginx directives, and how it is read and printed.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Stat } from "../../src/host/host.ts";
import { passwordFile, userPattern, whyRejected } from "../../src/sites/serve/password.ts";
import { Secret } from "../../src/text/secret.ts";
import { asked, secretLine, typedWords } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { ok } from "../fake-host.ts";
import { SiteHost } from "./site-host.ts";

const passwordPath = "/etc/nginx/edox-ops-password-demo";
const sitePath = "/etc/nginx/sites-available/edox-ops-demo";
const projectsPath = "/etc/edox-ops/projects.json";
const logPath = "/var/log/edox-ops/project.log";
const publish = "project publish demo --domain demo.test --source /srv/site";
const unencrypted = "warning: the password of demo.test is sent unencrypted over HTTP: anyone on the way can read it\n";
let site: SiteHost;
beforeEach(async () => {
  site = await SiteHost.bootstrapped();
  expect(await site.type(publish)).toMatchObject({ exit: 0, err: "" });
});
afterEach(() => site[Symbol.dispose]());

const words = (all: readonly string[], person?: boolean) =>
  typedWords(all, site.host, person, undefined, undefined, site.trees);
const stored = (): string => site.fake.text(passwordPath) ?? "";
const recorded = () => JSON.parse(site.fake.text(projectsPath) ?? "").demo;
const vhost = (): string => site.fake.text(sitePath) ?? "";
const shown = (out: string): string => /^Password: (.+)$/m.exec(out)?.[1] ?? "";
const matches = (password: string): boolean => Bun.password.verifySync(password, stored().trim().split(":")[1] ?? "");

test("update --password: a generated password of 128 bits is stored as a hash, printed once, and required by nginx", async () => {
  const { exit, out } = await site.type("project update demo --password site");
  expect(exit).toBe(0);
  expect(out).toContain(unencrypted);
  expect(out).toMatch(/\nUser: reader\nPassword: [\w-]{22}\nThe password is not shown again\.\n$/);
  expect(stored()).toMatch(/^reader:\$2b\$04\$[./\w]{53}\n$/);
  expect(matches(shown(out))).toBe(true);
  expect(site.fake.stat(passwordPath)).toMatchObject({ mode: 0o640, uid: 0, gid: 33 } as Partial<Stat>);
  expect(recorded().password).toBe("site");
  expect(vhost()).toContain(`    auth_basic "site demo";\n    auth_basic_user_file ${passwordPath};\n`);
  const { out: record } = await site.type("project show demo");
  expect(record).toEndWith("\npassword: site\n");
});

test("update --password: a password in place of the scope is not printed, and the message names the scopes", async () => {
  const { exit, out, err } = await site.type("project update demo --password hunter2");
  expect([exit, out, err]).toEqual([1, "", expect.stringContaining("it is site, previews or none. The password is")]);
  expect(err).not.toContain("hunter2");
});

test("update --password: a second run keeps the password, and prints how to replace it", async () => {
  const { out: first } = await site.type("project update demo --password site");
  expect(first).not.toContain("The password stays");
  const before = stored();
  const { out } = await site.type("project update demo --password site");
  expect(out).toEndWith("Updated project demo. The password stays: replace it with --new-password.\n");
  expect(stored()).toBe(before);
});

test("update --password: nginx requires the password of a project whose slug is a word of its configuration", async () => {
  expect((await site.type("project publish off --domain off.test --source /srv/site --password site")).exit).toBe(0);
  const text = site.fake.text("/etc/nginx/sites-available/edox-ops-off") ?? "";
  expect(text).toContain('    auth_basic "site off";\n');
});

test("update --password: ACME challenges stay open, and only the browser may cache", async () => {
  await site.type("project update demo --password site");
  for (const location of ["^~ /.well-known/acme-challenge/", "@challenge_in_root"]) {
    expect(vhost()).toContain(`    location ${location} {\n        auth_basic off;\n`);
  }
  expect(vhost().match(/auth_basic off/g)).toHaveLength(2);
  expect(vhost()).toContain('add_header Cache-Control "$edox_ops_private";');
  expect(vhost()).not.toContain('add_header Cache-Control "$edox_ops_cache";');
});

test("update --password previews: the site itself stays open", async () => {
  const before = vhost();
  expect((await site.type("project update demo --password previews")).exit).toBe(0);
  expect([recorded().password, vhost()]).toEqual(["previews", before]);
  expect(stored()).toStartWith("reader:");
});

test("update --password none: asks first, and restores record, site and files byte for byte", async () => {
  const before = [recorded(), vhost()];
  await site.type("project update demo --password site");
  asked.length = 0;
  expect((await words("project update demo --password none".split(" "), false)).exit).toBe(1);
  expect(stored()).not.toBe("");
  expect((await words("project update demo --password none".split(" "), true)).exit).toBe(0);
  const question = expect.stringContaining("Serve demo.test without a password?");
  expect(asked).toEqual([question, question]);
  expect([recorded(), vhost()]).toEqual(before);
  expect(site.fake.stat(passwordPath)).toBeNull();
});

test("update --password: a second run changes nothing, and --new-password and --password-user change one part", async () => {
  const first = shown((await site.type("project update demo --password site")).out);
  const line = stored();
  const again = await site.type("project update demo --password site");
  expect([again.exit, shown(again.out), stored()]).toEqual([0, "", line]);
  expect((await site.type("project update demo --password site --check")).exit).toBe(0);
  expect((await site.type("project update demo --password previews --yes --json")).exit).toBe(0);
  expect(stored()).toBe(line);
  await site.type("project update demo --password site --password-user guest@example.org");
  expect([stored().split(":")[0], matches(first)]).toEqual(["guest@example.org", true]);
  const second = shown((await site.type("project update demo --password site --new-password")).out);
  expect(second).not.toBe("");
  expect([stored().split(":")[0], matches(first), matches(second)]).toEqual(["guest@example.org", false, true]);
});

test("update --password-file: reads the first line of a file, or asks for it, and does not print it", async () => {
  const canary = "Ünïcode canary: 1 # 2";
  site.fake.put("/root/password", `${canary}\r\nnot this\n`);
  const line = "project update demo --password site --password-file /root/password";
  const { exit, out, err } = await site.type(`${line} --diff --verbose`);
  expect([exit, err.includes("canary")]).toEqual([0, false]);
  expect(matches(canary)).toBe(true);
  expect(out).toContain(`+++ ${passwordPath}\ncontent differs (secret)\n`);
  expect(out + site.fake.text(logPath)).not.toMatch(/canary|\$2b\$/);
  // The same password has another hash each time.
  expect((await site.type(`${line} --check`)).exit).toBe(0);
  asked.length = 0;
  expect((await site.type("project update demo --password site --password-file -")).exit).toBe(0);
  expect([matches(secretLine), asked]).toEqual([true, ["Password of the site"]]);
});

test("update --password: neither a dry run, a diff, the document nor the log contains the password or its hash", async () => {
  for (const flags of ["--dry-run --diff", "--check --json --diff", "--dry-run --json=lines --diff"]) {
    const before = site.snapshot();
    const { out, err } = await site.type(`project update demo --password site ${flags}`);
    expect(out + err).not.toMatch(/\$2b\$|Password: /);
    expect(out).toContain(passwordPath);
    expect(site.snapshot()).toEqual(before);
  }
  site.fake.put("/root/password", "a long canary\n");
  const line = "project update demo --password site --password-file /root/password --json=lines --diff";
  const { exit, out } = await site.type(line);
  expect([exit, `${out}${site.fake.text(logPath)}`.match(/canary|\$2b\$/)]).toEqual([0, null]);
  const removed = await site.type("project update demo --password none --yes --diff");
  expect([removed.exit, removed.out.match(/\$2b\$/)]).toEqual([0, null]);
});

describe("update --password: is refused without a change and without printing a password:", () => {
  const long = "p".repeat(5000);
  for (const [what, password, reason] of [
    ["a NUL", "a long pass\0word", "it has a control character"],
    ["an escape sequence", "a long \u001b[31mpassword", "it has a control character"],
    ["bytes that are not UTF-8", "a long pass\ufffdword", "it has a control character, or is not UTF-8"],
    ["a short one", "elevenchars", "it has fewer than 12 characters"],
    ["an empty one", "", "it has fewer than 12 characters"],
    ["73 bytes", `${"é".repeat(36)}p`, "it has more than 72 bytes"],
    ["5,000 bytes", long, "it has more than 72 bytes"],
  ] as const) {
    test(what, async () => {
      site.fake.put("/root/password", `${password}\n`);
      const before = site.snapshot();
      const { exit, out, err } = await site.type("project update demo --password site --password-file /root/password");
      expect([exit, out]).toEqual([1, ""]);
      expect(err).toContain(`error: the password is rejected: ${reason}`);
      if (password !== "") expect(err).not.toContain(password.slice(0, 11));
      expect(site.snapshot()).toEqual(before);
    });
  }

  for (const user of [
    "a:b",
    "a\nroot:x",
    "#a",
    "",
    " a",
    "-a",
    "a b",
    "ä",
    "a\0",
    "a".repeat(65),
    "a".repeat(5000),
    ".",
  ]) {
    test(`the user ${JSON.stringify(user.slice(0, 20))}`, async () => {
      const before = site.snapshot();
      const { exit, err } = await words(["project", "update", "demo", "--password", "site", `--password-user=${user}`]);
      expect([exit > 0, err]).toEqual([true, expect.stringContaining("--password-user")]);
      expect(site.snapshot()).toEqual(before);
    });
  }

  for (const [line, reason] of [
    ["project update demo --password-user reader", "--password-user needs --password site or --password previews"],
    ["project update demo --new-password", "--new-password needs --password"],
    ["project update demo --password none --password-file -", "--password-file needs --password"],
    ["project update demo --password site --new-password --password-file -", "are mutually exclusive"],
    ["project update demo --password site --password-file /none", "--password-file /none does not exist"],
    ["project update demo --password site --json", "--json does not print the generated password"],
    ["project update demo --password site --quiet", "--quiet does not print the generated password"],
    ["project publish demo - --password site --password-file -", "cannot both be read from stdin"],
  ] as const) {
    test(line, async () => {
      const before = site.snapshot();
      const { exit, out, err } = await site.type(line);
      expect([exit, out + err]).toEqual([2, expect.stringContaining(reason)]);
      expect(site.snapshot()).toEqual(before);
    });
  }
});

test.each([[["--password", "my secret password"]], [["--password=my secret password"]]])(
  "update %p: a password in the place of its scope is refused and not repeated",
  async (flags) => {
    for (const more of [[], ["--no-such-flag"], ["--json"]]) {
      const { exit, out, err } = await words(["project", "update", "demo", ...flags, ...more]);
      expect([exit > 0, (out + err).includes("secret")]).toEqual([true, false]);
    }
    expect(recorded().password).toBeUndefined();
  },
);

test("password file: any accepted user and password is one line, which matches the password and no other", async () => {
  const users = fc.oneof(fc.stringMatching(/^[A-Za-z0-9._@-]{1,66}$/), fc.string());
  const passwords = fc.oneof(
    fc.string({ unit: "grapheme", minLength: 12, maxLength: 40 }),
    fc.string({ minLength: 12 }),
  );
  await fc.assert(
    fc.asyncProperty(users, passwords, async (user, text) => {
      const password = new Secret(text);
      if (!userPattern.test(user) || whyRejected(password) !== null) return;
      const host = fakeDebian();
      host.put("/etc/group", "root:x:0:\nwww-data:x:33:\n");
      const resource = passwordFile("demo", async () => ({ password: "site" }), { user, password });
      const [change] = await resource.check(host, [], () => {});
      if (change?.kind !== "file") throw new Error("no file is written");
      const [line = "", rest] = new TextDecoder().decode(change.after.bytes).split("\n");
      const [name, hash = ""] = line.split(":");
      expect([name, rest, change.after.toString()]).toEqual([user, "", "[redacted]"]);
      expect(Bun.password.verifySync(text.normalize("NFC"), hash)).toBe(true);
      expect(Bun.password.verifySync(`${text.normalize("NFC").slice(0, -1)}`, hash)).toBe(false);
    }),
    { numRuns: 60 },
  );
});

describe("publish --password:", () => {
  const first = "project publish new --domain new.test --source /srv/site --password site";
  const newPath = "/etc/nginx/edox-ops-password-new";

  test("a new site is never served without its password", async () => {
    const { exit, out } = await site.type(first);
    expect(exit).toBe(0);
    expect(shown(out)).not.toBe("");
    expect(site.fake.text(newPath)).toStartWith("reader:");
    expect((await site.type("project deploy new --source /srv/site")).exit).toBe(0);
  });

  test("everything is rolled back, and no password is printed, where nginx answers without one", async () => {
    site.answer = ok("HTTP/1.1 200 OK\r\n\r\nhome");
    const before = site.snapshot();
    const { exit, out, err } = await site.type(first);
    expect([exit, shown(out)]).toEqual([1, ""]);
    expect(err).toContain("nginx answers for new.test without asking for its password: its status is 200");
    const after = site.snapshot();
    expect([after[newPath], after[projectsPath]]).toEqual([undefined, before[projectsPath]]);
  });
});

describe("deploy: the previous release of a site with a password is swapped back", () => {
  const asking = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=";
  for (const [what, answer, reason] of [
    ["without a password", "HTTP/1.1 200 OK\r\n\r\nnew", "without asking for its password: its status is 200"],
    ["with an error", "HTTP/1.1 500 Oops\r\n\r\n", "without asking for its password: its status is 500"],
    ["with another realm", `${asking}"other"\r\n\r\n`, "for the password of another site: its status is 401"],
    ["without a realm", "HTTP/1.1 401 Unauthorized\r\n\r\n", "for the password of another site: its status is 401"],
  ] as const) {
    test(`where nginx answers ${what}`, async () => {
      await site.type("project update demo --password site");
      site.disk.write("/srv/new/index.html", "new");
      site.answer = ok(answer);
      const { exit, err } = await site.type("project deploy demo --source /srv/new");
      expect([exit, err]).toEqual([1, expect.stringContaining(reason)]);
      expect(site.disk.text("/var/www/docs/demo/index.html")).toBe("home");
      site.answer = ok(`${asking}"site demo"\r\n\r\n`);
      expect((await site.type("project deploy demo --source /srv/new")).exit).toBe(0);
      expect(site.disk.text("/var/www/docs/demo/index.html")).toBe("new");
    });
  }
});

describe("a password over plain HTTP is a warning,", () => {
  test("also when the site is enabled", async () => {
    await site.type("project update demo --password previews");
    expect((await site.type("project enable demo")).out).toContain(unencrypted);
  });
  test("and none behind a reverse proxy, which may end TLS", async () => {
    const { exit, out } = await site.type("project update demo --password site --real-ip-from 10.0.0.5");
    expect([exit, out.includes("warning")]).toEqual([0, false]);
  });
});

describe("validate and doctor:", () => {
  const validated = async (status = 401) => {
    site.answer = ok(`http://demo.test/ ${status}\n`);
    const found = await site.type("project validate demo");
    site.answer = null;
    return found.out + found.err;
  };
  beforeEach(async () => {
    await site.type("project update demo --password site --real-ip-from 10.0.0.5");
  });

  test("a site that requires its password is as recorded", async () => {
    expect(await validated()).toBe("Project demo validation passed.\n");
  });

  for (const [what, act, reason, fix] of [
    [
      "a missing file",
      () => site.fake.remove(passwordPath),
      `${passwordPath} is missing: nginx refuses all readers`,
      "sudo edox-ops project update demo --password site --new-password",
    ],
    [
      "an empty file",
      () => site.fake.put(passwordPath, "# none\n", { mode: 0o640, gid: 33 }),
      `${passwordPath} has no password: nginx refuses all readers`,
      "sudo edox-ops project update demo --password site --new-password",
    ],
    [
      "a file that every user can read",
      () => site.fake.put(passwordPath, stored(), { mode: 0o644, gid: 33 }),
      `${passwordPath} is not a file of root and the group www-data with the mode 0640`,
      "sudo edox-ops project update demo --password site",
    ],
  ] as const) {
    test(`${what} is an error, and its hint fixes it`, async () => {
      act();
      const report = await validated();
      expect(report).toContain(reason);
      expect(report).toContain(fix.replace("sudo ", ""));
      expect((await site.type(fix.replace("sudo edox-ops ", ""))).exit).toBe(0);
      expect(await validated()).toBe("Project demo validation passed.\n");
    });
  }

  test("a site that answers without its password is an error", async () => {
    expect(await validated(200)).toContain(
      "http://demo.test/ answers 200 and does not ask for its password on this host",
    );
  });

  test("a site that does not answer is an error", async () => {
    expect(await validated(0)).toContain("http://demo.test/ does not answer on this host");
  });

  test("an enabled site with a password over plain HTTP is a warning", async () => {
    await site.type("project update demo --real-ip-from none");
    expect(await validated()).toContain("the password of demo.test is sent unencrypted over HTTP");
  });
});

test("enable: without the file of the password, nothing changes", async () => {
  await site.type("project update demo --password site");
  await site.type("project disable demo");
  expect(stored()).not.toBe("");
  site.fake.remove(passwordPath);
  const before = site.snapshot();
  const { exit, err } = await site.type("project enable demo");
  expect([exit, err]).toEqual([1, expect.stringContaining(`${passwordPath} has no password`)]);
  expect(err).toContain("edox-ops project update demo --password site --new-password");
  const after = site.snapshot();
  for (const all of [before, after]) delete all[logPath];
  expect(after).toEqual(before);
});

test("remove: the file of the password is removed with the project", async () => {
  await site.type("project update demo --password site");
  expect((await site.type("project remove demo --yes")).exit).toBe(0);
  expect(site.fake.stat(passwordPath)).toBeNull();
});

test("record: a password that is neither for the site nor for previews is invalid, and its hint removes it", async () => {
  const all = JSON.parse(site.fake.text(projectsPath) ?? "");
  site.fake.put(projectsPath, JSON.stringify({ demo: { ...all.demo, password: "all" } }), { mode: 0o600 });
  const { exit, err } = await site.type("project show demo");
  expect([exit, err]).toEqual([
    1,
    expect.stringContaining("password is invalid: a password is for the site or for its previews"),
  ]);
  expect(err).toContain("hint: edox-ops project update demo --password none");
  expect((await site.type("project update demo --password none --yes")).exit).toBe(0);
  expect(recorded().password).toBeUndefined();
});
