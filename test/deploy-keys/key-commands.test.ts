// The commands that add, list and remove deploy keys, and what they leave on a host in memory.

import { beforeEach, describe, expect, test } from "bun:test";
import { generateKey } from "../../src/deploy-keys/generate.ts";
import { atTerminal, prepared, typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";

const authorizedKeys = "/var/lib/edox-ops/deploy/.ssh/authorized_keys";
const sudoers = "/etc/sudoers.d/edox-ops-deploy";
const record = "/etc/edox-ops/deploy-keys.json";

const register = prepared(
  "bootstrap --yes",
  "project add demo --domain demo.test",
  "project add other --domain other.test",
);

let host: FakeHost;
let line: string;
beforeEach(async () => {
  host = await register(fakeDebian());
  host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  ({ line } = await generateKey(""));
  host.put("/srv/ci.pub", `${line} a comment "with quotes", and\tmore\n`);
});

const add = (words: string) => typed(`project key add ${words}`, host);
const linesOf = (path: string): string[] =>
  (host.text(path) ?? "").split("\n").filter((each) => each && !each.startsWith("#"));
const forced = (id: string): string =>
  `command="EDOX_OPS_KEY=${id} exec sudo -n /usr/local/bin/edox-ops deploy-session"`;

describe("key add:", () => {
  test("the first key installs the packages, and makes the user, the rule, the record and the line", async () => {
    const { exit, err, out } = await add("demo --key /srv/ci.pub");
    expect([exit, err]).toEqual([0, ""]);
    expect(out).toContain("Added deploy key demo/ci.\n");
    expect(linesOf(authorizedKeys)).toEqual([`restrict,${forced("demo/ci")} ${line} demo/ci`]);
    expect(linesOf(sudoers)).toEqual([
      "Defaults:edox-deploy env_reset, !env_check, !setenv, !requiretty, !use_pty, !log_input, !log_output",
      'Defaults:edox-deploy env_keep = "EDOX_OPS_KEY SSH_ORIGINAL_COMMAND SSH_CONNECTION"',
      "edox-deploy ALL=(root) NOPASSWD: /usr/local/bin/edox-ops deploy-session",
    ]);
    expect(host.text("/etc/passwd")).toContain("edox-deploy:x:999:999::/var/lib/edox-ops/deploy:/bin/sh\n");
    expect(host.ran).toContain(
      "useradd --system --no-create-home --home-dir /var/lib/edox-ops/deploy --shell /bin/sh --password * edox-deploy",
    );
    for (const [path, mode] of [
      [authorizedKeys, 0o644],
      [sudoers, 0o440],
      [record, 0o600],
      ["/var/lib/edox-ops/deploy", 0o755],
    ] as const) {
      expect([path, host.stat(path)]).toMatchObject([path, { mode, uid: 0, gid: 0 }]);
    }
    const state = host.listing();
    expect(await add("demo --key /srv/ci.pub")).toMatchObject({ exit: 0 });
    const again = host.listing();
    for (const path of Object.keys(again)) if (path.startsWith("/var/log/")) delete again[path];
    for (const path of Object.keys(state)) if (path.startsWith("/var/log/")) delete state[path];
    expect(again).toEqual(state);
  });

  test("each flag becomes a limit in the record, or an option that sshd knows", async () => {
    const flags =
      "--name laptop --from 192.0.2.0/24,2001:db8::1 --from 10.0.0.0/8 --expires 2099-01-31 --previews-only";
    expect(await add(`demo --key /srv/ci.pub ${flags} --max-size 500M --max-files 10 --rate 20/h`)).toMatchObject({
      exit: 0,
    });
    expect(linesOf(authorizedKeys)).toEqual([
      `restrict,from="192.0.2.0/24,2001:db8::1,10.0.0.0/8",expiry-time="20990202",${forced("demo/laptop")} ${line} demo/laptop`,
    ]);
    expect(JSON.parse(host.text(record) ?? "").keys).toMatchObject([
      {
        ...{ project: "demo", name: "laptop", public_key: line, expires: "2099-01-31T00:00:00Z", previews_only: true },
        ...{ from: ["192.0.2.0/24", "2001:db8::1", "10.0.0.0/8"], max_size: 500 * 2 ** 20, max_files: 10, rate: 20 },
      },
    ]);
  });

  test("--generate prints the private key once, and no file, log or document of the host has it", async () => {
    const text = await add("demo --generate");
    const found = /-----BEGIN OPENSSH PRIVATE KEY-----\n([\s\S]+?)\n-----END OPENSSH PRIVATE KEY-----\n/.exec(text.out);
    expect(found).not.toBeNull();
    const json = await add("other --generate --json");
    expect(JSON.parse(json.out).private_key).toStartWith("-----BEGIN OPENSSH PRIVATE KEY-----\n");
    for (const each of [text, json]) expect(each.err).toBe("");
    expect(Object.values(host.listing()).join("\n")).not.toContain("PRIVATE KEY");
    expect(await add("demo --generate --name second --dry-run --diff")).toMatchObject({
      exit: 0,
      out: expect.not.stringContaining("PRIVATE"),
    });
    expect(await add("demo --generate --name second --quiet")).toMatchObject({ exit: 2 });
    expect(linesOf(authorizedKeys).length).toBe(2);
  });

  test("the printed command of a key for previews deploys a preview", async () => {
    expect((await add("demo --generate")).out).toContain(" | ssh edox-deploy@HOST deploy\n");
    const { out } = await add("demo --generate --name previews --previews-only");
    expect(out).toContain(" | ssh edox-deploy@HOST deploy --preview NAME\n");
  });

  test("one key serves one project under one name, and a name has one key", async () => {
    await add("demo --key /srv/ci.pub");
    const before = host.text(record);
    expect(await add("other --key /srv/ci.pub")).toMatchObject({
      exit: 1,
      err: expect.stringContaining("this key is demo/ci already"),
    });
    expect(await add("demo --key /srv/ci.pub --name more")).toMatchObject({
      exit: 1,
      err: expect.stringContaining("this key is demo/ci"),
    });
    expect(await add("demo --generate")).toMatchObject({
      exit: 1,
      err: expect.stringContaining("has another key 'ci': remove it first"),
    });
    expect(host.text(record)).toBe(before);
  });

  const wrong: Record<string, [words: string, exit: number, error: string]> = {
    "no key": ["demo", 2, "pass either --key FILE or --generate"],
    "two keys": ["demo --key /srv/ci.pub --generate", 2, "pass either"],
    "no project of this name": ["nobody --generate", 1, "project nobody is not registered"],
    "a missing file": ["demo --key /srv/none.pub", 1, "/srv/none.pub does not exist"],
    "a directory": ["demo --key /srv", 1, "/srv is a directory"],
    "a name with a quote": [`demo --generate --name a"b`, 2, "invalid name"],
    "a name with a slash": ["demo --generate --name ../x", 2, "invalid name"],
    "a network with a quote": [`demo --generate --from 10.0.0.0/8",command="x`, 2, "invalid network"],
    "a network with host bits": ["demo --generate --from 10.0.0.1/8", 2, "type 10.0.0.0/8"],
    "a name in place of a network": ["demo --generate --from gitlab.test", 2, "invalid network"],
    "a day that is over": ["demo --generate --expires 2020-01-01", 2, "is in the past"],
    "a day that does not exist": ["demo --generate --expires 2030-13-01", 2, "invalid date"],
    "a day in words": ["demo --generate --expires tomorrow", 2, "invalid date"],
    "a size without a unit": ["demo --generate --max-size 5", 2, "invalid size"],
    "a size beyond that of a site": ["demo --generate --max-size 11G", 2, "invalid size"],
    "no files": ["demo --generate --max-files 0", 2, "invalid number"],
    "a rate a day": ["demo --generate --rate 5/d", 2, "invalid rate"],
  };
  for (const [name, [words, exit, error]] of Object.entries(wrong)) {
    test(`${name} is refused, and nothing is changed`, async () => {
      const before = host.listing();
      expect(await add(words)).toMatchObject({ exit, err: expect.stringContaining(error) });
      expect(host.listing()).toEqual(before);
    });
  }

  test("a program that others can change, or that a rule cannot name, is refused", async () => {
    host.dir("/opt/odd name");
    host.put("/opt/odd name/edox-ops", "this one", { mode: 0o755 });
    const odd = await typed(
      "project key add demo --key /srv/ci.pub",
      host,
      undefined,
      undefined,
      "/opt/odd name/edox-ops",
    );
    expect(odd).toMatchObject({
      exit: 1,
      err: expect.stringContaining("has characters that a rule of sudo cannot name"),
    });
    host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o777 });
    expect(await add("demo --key /srv/ci.pub")).toMatchObject({
      exit: 1,
      err: expect.stringContaining("others than root"),
    });
    expect(host.stat(sudoers)).toBeNull();
  });

  test("a rule that visudo refuses is never written, and no key is accepted", async () => {
    host.taught.unshift(([name]) =>
      name === "visudo" ? { code: 1, stdout: "", stderr: "-:2:10: syntax error\n" } : undefined,
    );
    expect(await add("demo --key /srv/ci.pub")).toMatchObject({
      exit: 1,
      err: expect.stringContaining("syntax error"),
    });
    expect([host.stat(sudoers), host.stat(authorizedKeys), host.stat(record)]).toEqual([null, null, null]);
  });

  test("a foreign user of this name is not taken over", async () => {
    host.put("/etc/passwd", "edox-deploy:x:1000:1000::/home/edox-deploy:/bin/bash\n");
    expect(await add("demo --key /srv/ci.pub")).toMatchObject({
      exit: 1,
      err: expect.stringContaining("its home is /home/edox-deploy"),
    });
  });

  test("an sshd that accepts no key is a warning", async () => {
    host.taught.unshift(([name]) =>
      name === "sshd"
        ? { code: 0, stdout: "allowusers admin\nauthorizedkeysfile .ssh/authorized_keys\n", stderr: "" }
        : undefined,
    );
    const { exit, err } = await add("demo --key /srv/ci.pub");
    expect([exit, err]).toEqual([0, "warning: sshd has AllowUsers without edox-deploy: check with edox-ops doctor\n"]);
  });
});

test("key list: a terminal shows a table that fits its width, or the command that adds a key", async () => {
  const list = (width: number) => atTerminal(width, () => typed("project key list", host));
  expect((await list(80)).out).toContain("No deploy keys. Add one: → edox-ops project key add SLUG --generate\n");
  await add("demo --key /srv/ci.pub --previews-only");
  const [wide, narrow] = [await list(140), await list(40)];
  expect(wide.out).toMatch(/^KEY {6}FINGERPRINT .* LIMITS *\ndemo\/ci {2}SHA256:\S+ {2}previews only; 2\.0 GiB/);
  expect(narrow.out).toMatch(/^KEY {10}demo\/ci\nFINGERPRINT {2}SHA256:/);
});

describe("key remove:", () => {
  test("a key goes alone, and the last one takes the rule with it", async () => {
    await add("demo --key /srv/ci.pub");
    await add("other --generate");
    expect(await typed("project key list", host)).toMatchObject({
      out: expect.stringMatching(/^demo\/ci\tSHA256:\S+\t.+\nother\/ci\t.+\n$/),
    });
    expect(await typed("project key remove other ci", host)).toMatchObject({ exit: 0, err: "" });
    expect(linesOf(authorizedKeys)).toEqual([`restrict,${forced("demo/ci")} ${line} demo/ci`]);
    expect(await typed("project key remove demo ci", host)).toMatchObject({ exit: 0, err: "" });
    expect([host.stat(sudoers), host.stat(authorizedKeys), host.stat(record)]).toEqual([null, null, null]);
    expect((await typed("project key list", host)).out).toBe("No deploy keys.\n");
    expect(await typed("project key remove demo ci", host)).toMatchObject({
      exit: 1,
      err: expect.stringContaining("has no deploy key ci"),
    });
    expect((await add("demo --key /srv/ci.pub")).exit).toBe(0);
  });

  test("project remove: its keys are removed, and no others", async () => {
    await add("demo --key /srv/ci.pub");
    await add("other --generate");
    const dry = await typed("project remove other --dry-run --json", host);
    expect(dry.out).toContain(authorizedKeys);
    expect(await typed("project remove other", host)).toMatchObject({ exit: 0, err: "" });
    expect(linesOf(authorizedKeys).length).toBe(1);
    expect(await typed("project remove demo", host)).toMatchObject({ exit: 0, err: "" });
    expect(host.stat(record)).toBeNull();
  });

  test("uninstall: the keys, the rule and the user are removed with the program", async () => {
    await add("demo --key /srv/ci.pub");
    expect(await typed("uninstall --yes", host)).toMatchObject({ exit: 0 });
    const left = Object.keys(host.listing()).filter((path) =>
      /deploy/.test(path.replace("deploy-backups", "").replace("/var/log/edox-ops/", "")),
    );
    expect(left).toEqual([]);
    expect(host.text("/etc/passwd")).not.toContain("edox-deploy");
  });
});
