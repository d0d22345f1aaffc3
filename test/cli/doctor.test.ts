// Golden files of doctor at a terminal of 80 and of 40 columns, and piped.

import { afterEach, beforeEach, describe, expect, mock, spyOn, test } from "bun:test";
import fc from "fast-check";
import { type Finding, isHealthy } from "../../src/engine/finding.ts";
import { findingsAtTerminal, type TerminalView } from "../../src/report/findings-at-terminal.ts";
import { hintFor, styleOf } from "../../src/report/style.ts";
import { shellLine } from "../../src/text/lines.ts";
import { recordBackup } from "../backup/recorded.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { bootstrap, prepared, typed, variables } from "./typed.ts";

// Lines are wrapped around the time that the checks took, which differs in each run.
beforeEach(() => {
  let calls = 0;
  spyOn(performance, "now").mockImplementation(() => (calls++ % 2) * 40);
});

afterEach(() => {
  mock.restore();
  for (const name of ["COLUMNS", "LANG", "FORCE_COLOR"]) delete variables[name];
});

const invocation = "/run/systemd/units/invocation:nginx.service";
const slugs = (count: number) => Array.from({ length: count }, (_, i) => (i === 0 ? "docs" : `handbook-${i}`));

/** Registers and enables this many sites. Each number is prepared once. */
const sites = new Map<number, ReturnType<typeof prepared>>();

/** Returns a host that serves this many sites, with an nginx that rejects a directive named bogus. */
async function serving(count: number): Promise<FakeHost> {
  const host = fakeDebian();
  host.taught.unshift((argv) => {
    if (argv[0] === "curl") {
      const status = host.stat(invocation) === null ? "000" : "200";
      return ok(argv.flatMap((word) => (word.startsWith("http") ? `${word} ${status}\n` : [])).join(""));
    }
    const path = "/etc/nginx/conf.d/foreign.conf";
    const isFaulty = argv[0] === "nginx" && (host.text(path) ?? "").includes("bogus;");
    return isFaulty
      ? { code: 1, stdout: "", stderr: `nginx: [emerg] unknown directive "bogus" in ${path}:1\n` }
      : undefined;
  });
  await bootstrap(host);
  const commands = slugs(count).flatMap((slug) => [
    `project add ${slug} --domain ${slug}.example.org`,
    `project init ${slug}`,
    `project enable ${slug}`,
  ]);
  await sites.getOrInsertComputed(count, () => prepared(...commands))(host);
  for (const slug of slugs(count)) {
    host.put(`/var/www/docs/${slug}/index.html`, "home", { mode: 0o644, uid: 0, gid: 33 });
  }
  if (count > 0) await recordBackup(host);
  return host;
}

/** Makes a foreign file stop nginx, as a reboot after a wrong edit does. */
async function broken(count: number): Promise<FakeHost> {
  const host = await serving(count);
  await host.sleep(1000);
  host.put("/etc/nginx/conf.d/foreign.conf", "bogus;\n");
  host.remove(invocation);
  host.remove("/run/nginx.pid");
  return host;
}

const states: [string, () => Promise<FakeHost>][] = [
  ["a healthy host", () => serving(1)],
  ["a broken nginx with three sites", () => broken(3)],
  ["a cause with many consequences", () => broken(12)],
  [
    "an invalid configuration beside a running nginx",
    async () => {
      const host = await serving(1);
      await host.sleep(1000);
      host.put("/etc/nginx/conf.d/foreign.conf", "bogus;\n");
      return host;
    },
  ],
  [
    "a full disk",
    async () => {
      const host = await serving(1);
      host.space = () => ({ bytesFree: 12 * 2 ** 20, inodes: 1e6, inodesFree: 9e5 });
      return host;
    },
  ],
  [
    "a user other than root",
    async () => {
      const root = await serving(1);
      const other = fakeDebian({ uid: 1000 });
      other.nodes.clear();
      for (const [path, node] of root.nodes) other.nodes.set(path, node);
      other.now = root.now;
      other.taught.unshift(...root.taught);
      other.hidden.add("/etc/edox-ops/");
      return other;
    },
  ],
  ["a host that is not set up", async () => fakeDebian()],
  [
    "a host that is not set up, with a full disk and no sources of apt",
    async () => {
      const host = fakeDebian();
      host.space = () => ({ bytesFree: 12 * 2 ** 20, inodes: 1e6, inodesFree: 9e5 });
      host.remove("/etc/apt/sources.list");
      return host;
    },
  ],
  [
    "warnings only",
    async () => {
      const host = await serving(0);
      host.put("/run/reboot-required", "");
      host.remove("/run/systemd/timesync/synchronized");
      return host;
    },
  ],
];

for (const [name, state] of states) {
  describe(`doctor: ${name}`, () => {
    for (const columns of [80, 40]) {
      test(`at ${columns} columns`, async () => {
        const host = await state();
        variables.COLUMNS = String(columns);
        const { exit, out, err } = await typed("doctor", host);
        expect(`exit ${exit}\n${out}${err}`).toMatchSnapshot();
        // Only commands, and words that are longer than the terminal, may be wider.
        const wide = out.split("\n").filter((line) => Bun.stringWidth(line) > columns && !line.includes("→"));
        expect(wide.filter((line) => line.trim().split(" ").length > 2)).toEqual([]);
      });
    }

    test("piped", async () => {
      const { exit, out, err } = await typed("doctor", await state());
      expect(`exit ${exit}\n${out}${err}`).toMatchSnapshot();
      // Every check is listed already.
      expect((await typed("doctor --all", await state())).out).toBe(out);
    });
  });
}

test("doctor --all: at a terminal it lists problems, then what is ok, then what is not set up", async () => {
  const host = await broken(2);
  variables.COLUMNS = "80";
  expect((await typed("doctor --all", host)).out).toMatchSnapshot();
});

test("doctor: a terminal without Unicode gets ASCII only", async () => {
  const host = await broken(2);
  Object.assign(variables, { COLUMNS: "80", LANG: "C" });
  for (const line of ["doctor", "doctor --all"]) expect((await typed(line, host)).out).toMatch(/^[\x20-\x7E\n]+$/);
});

test("doctor: colours add nothing to the words", async () => {
  const host = await broken(2);
  variables.COLUMNS = "80";
  const plain = (await typed("doctor", host)).out;
  variables.FORCE_COLOR = "1";
  const { out } = await typed("doctor", host);
  expect(out).toContain("\u001B[31m");
  expect(Bun.stripANSI(out)).toBe(plain);
});

test("doctor --quiet: at a terminal it prints failures alone, and nothing for a healthy host", async () => {
  const [host, healthy] = [await broken(1), await serving(1)];
  host.put("/run/reboot-required", "");
  variables.COLUMNS = "80";
  const { out, err } = await typed("doctor --quiet", host);
  expect([out.match(/^\S/gm), err]).toEqual([["✖"], ""]);
  expect(await typed("doctor --quiet", healthy)).toEqual({ exit: 0, out: "", err: "" });
});

test("doctor --strict: at a terminal a warning fails, and checks that need root are listed", async () => {
  const [host, user] = [await serving(1), await (states.find(([name]) => name.includes("user"))?.[1] ?? fakeDebian)()];
  host.put("/run/reboot-required", "");
  variables.COLUMNS = "80";
  expect(await typed("doctor --strict", host)).toMatchObject({ exit: 1, out: expect.stringMatching(/^1 warning · /m) });
  expect((await typed("doctor --strict", user)).out).toContain("? projects:managed: ");
});

test("doctor --fix: at a terminal it shows the plan, asks, and reports the host as it is afterwards", async () => {
  const host = await serving(1);
  host.remove("/etc/nginx/conf.d/edox-ops-limits.conf");
  variables.COLUMNS = "80";
  const { exit, out, err } = await typed("doctor --fix", host, true);
  expect([exit, out + err]).toEqual([0, expect.stringContaining("write /etc/nginx/conf.d/edox-ops-limits.conf")]);
  expect(out).toMatch(/\n?✔ Host is healthy · \d+ ok · /);
});

describe("doctor: a host that was set up is never taken for a new one", () => {
  const purge = (host: FakeHost): void => {
    for (const path of [...host.nodes.keys()]) if (path.startsWith("/etc/nginx")) host.nodes.delete(path);
    host.nodes.delete(invocation);
    const all = (host.text("/var/lib/dpkg/status") ?? "").split("\n\n");
    host.put("/var/lib/dpkg/status", all.filter((each) => !each.startsWith("Package: nginx")).join("\n\n"));
  };
  const without = (host: FakeHost, ...dirs: string[]): void => {
    for (const path of [...host.nodes.keys()]) {
      if (dirs.some((dir) => path === dir || path.startsWith(`${dir}/`))) host.nodes.delete(path);
    }
  };
  /** Each loses directories of its own, and some lose nginx as well. */
  const losses: [string, { purged?: true; dirs?: string[] }][] = [
    ["nginx was purged", { purged: true }],
    ["/etc/edox-ops was deleted", { dirs: ["/etc/edox-ops"] }],
    ["nginx was purged and /etc/edox-ops deleted", { purged: true, dirs: ["/etc/edox-ops"] }],
    ["only the files of nginx are left", { dirs: ["/etc/edox-ops", "/var/www", "/var/log/edox-ops"] }],
    ["only the backups are left", { purged: true, dirs: ["/etc/edox-ops", "/var/log/edox-ops"] }],
    ["only the log is left", { purged: true, dirs: ["/etc/edox-ops", "/var/www"] }],
  ];
  for (const [name, { purged, dirs = [] }] of losses) {
    test(`where ${name}`, async () => {
      const host = await serving(1);
      if (purged) purge(host);
      without(host, ...dirs);
      host.nodes.delete(invocation);
      variables.COLUMNS = "80";
      const { exit, out } = await typed("doctor", host);
      expect([exit, out]).toEqual([1, expect.stringMatching(/^✖ /)]);
      expect(out).not.toContain("not set up yet");
    });
  }

  test("where nginx was purged, the package is the problem, with the sites that it takes offline", async () => {
    const host = await broken(2);
    purge(host);
    host.dir("/etc/nginx/sites-enabled");
    for (const slug of slugs(2)) host.link(`/etc/nginx/sites-enabled/edox-ops-${slug}`, "/none");
    variables.COLUMNS = "200";
    expect((await typed("doctor", host)).out).toMatch(
      /^✖ package:nginx: nginx not installed\n {2}also failing because of it: .*nginx:config.*\n {2}affects: all 2 sites: docs, handbook-1 \(offline\)\n {2}→ edox-ops bootstrap --yes\n/,
    );
  });

  test("a first bootstrap that failed leaves a host that is not set up", async () => {
    const host = fakeDebian();
    await typed("bootstrap --yes --fail-step packages.install", host);
    expect(host.text("/var/log/edox-ops/bootstrap.log")).toContain("FAILURE");
    variables.COLUMNS = "80";
    expect((await typed("doctor", host)).out).toBe("This host is not set up yet.\n→ edox-ops bootstrap\n");
  });
});

test("doctor: at a terminal the name of each failing check is printed, and the hint of each cause", () => {
  const style = styleOf({ colour: false, hint: hintFor("/usr/bin/edox-ops", true) });
  const word = fc.stringMatching(/^[a-z]{1,12}$/);
  const finding = fc.record({
    name: fc.uniqueArray(word, { minLength: 2, maxLength: 3 }).map((words) => words.join(":")),
    status: fc.constantFrom<Finding["status"]>("ok", "not-set-up", "warning", "unknown", "error"),
    detail: fc.string({ unit: "grapheme" }),
    hint: fc.option(fc.array(word, { minLength: 1 }), { nil: undefined }),
    cause: fc.nat(),
  });
  const examined = fc.uniqueArray(finding, { selector: ({ name }) => name, maxLength: 20 }).map((all): Finding[] => {
    return all.map(({ cause, hint, ...each }) => {
      const follows = all[cause % (2 * all.length)];
      const isConsequence = follows !== undefined && follows.status === "error" && !isHealthy(each.status);
      return { ...each, ...(hint && { hint }), ...(isConsequence && { follows: follows.name }) };
    });
  });
  fc.assert(
    fc.property(examined, fc.integer({ min: 20, max: 200 }), fc.boolean(), (findings, width, all) => {
      const view: TerminalView = {
        ...{ findings, width, all, strict: false, quiet: false, isRoot: true, bundle: undefined },
        ...{ neverSetUp: [], milliseconds: 40 },
      };
      const lines = findingsAtTerminal(view, style).split("\n");
      for (const { name, status, hint, follows } of findings) {
        if (isHealthy(status)) continue;
        expect(lines.some((line) => line.split(/[ ,]+/).some((each) => each === name || each === `${name}:`))).toBe(
          true,
        );
        if (hint && follows === undefined) expect(lines).toContain(`  → ${shellLine(hint)}`);
      }
    }),
  );
});
