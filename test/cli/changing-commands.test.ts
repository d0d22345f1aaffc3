// Tests the flags of each changing command, and compares its dry run with the run.

import { afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import * as v from "valibot";
import { commandFacts } from "../../build/command-facts.ts";
import { manifestPath, passwordPath, restoredDir, settingsPath } from "../../src/backup/paths.ts";
import { root } from "../../src/cli/cli.ts";
import { commandSpecOf } from "../../src/cli/command-spec.ts";
import { featureCommands } from "../../src/cli/feature-commands.ts";
import { Text } from "../../src/engine/change.ts";
import { lockDir, unconfirmedPath } from "../../src/engine/paths.ts";
import type { Host } from "../../src/host/host.ts";
import type { Trees } from "../../src/host/trees.ts";
import { allCommands } from "../../src/report/command-spec.ts";
import { documentSchema, type RunEvent } from "../../src/report/schema.ts";
import { FakeRestic } from "../backup/fake-restic.ts";
import { addAuthority } from "../certs/fake-authority.ts";
import { certbotHost } from "../certs/fake-certbot.ts";
import { interrupt } from "../engine/killed-host.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { addUfw } from "../hardening/fake-ufw.ts";
import { hardenableHost } from "../hardening/hardened-host.ts";
import { publicKey, sshHost } from "../hardening/ssh-host.ts";
import { cleanable } from "../runner/cleanup/fake-docker.ts";
import { fakeGitLab } from "../runner/fake-gitlab.ts";
import { mirrors, preparedRunner } from "../runner/prepared-runner.ts";
import { SiteHost } from "../sites/site-host.ts";
import { asked, bootstrap, eventsOf, typedWords } from "./typed.ts";

/**
 * `doctor` changes something only with `--fix`, and asks first. `selftest` leaves only its lock file, `bundle create` its
 * output and its cache, and `backup verify` when it ran last. `watch report` writes its page.
 */
const exempt = ["backup verify", "bundle create", "doctor", "gitlab-runner selftest", "watch report"];
/** The reference lists no files for a read-only command. */
const isReadOnly = (name: string): boolean => commandFacts[name]?.files.length === 0 || exempt.includes(name);

/** The flags of every command that changes something. */
const changingFlags = ["--dry-run", "--check", "--diff", "--json", "--json=lines"];

const commands = allCommands(await commandSpecOf(root, ["edox-ops"])).filter(({ words }) => words.length === 0);
const changing = commands
  .map(({ path, flags }) => ({ name: path.slice(1).join(" "), flags: flags.map(({ name }) => name) }))
  .filter(({ name }) => !isReadOnly(name));

test.each(changing.map(({ name, flags }) => [name, flags] as const))(
  "%s: has the flags of every changing command",
  (name, flags) => {
    expect([name, changingFlags.filter((flag) => !flags.includes(flag))]).toEqual([name, []]);
  },
);

interface Case {
  host: Host;
  trees?: Trees;
  /** Returns the state of the host that a dry run must not change. */
  snapshot(): Record<string, string>;
  words: readonly string[];
}

const inMemory = (host: FakeHost, line: string, ...more: string[]): Case => {
  return { host, snapshot: () => host.listing(), words: [...line.split(" "), ...more] };
};

const sites: SiteHost[] = [];
const restics: FakeRestic[] = [];
afterEach(() => {
  for (const restic of restics.splice(0)) restic[Symbol.dispose]();
  for (const site of sites.splice(0)) site[Symbol.dispose]();
});

/** Returns a host with a served site, three backups, and a hashed file of an earlier release. */
async function served(line: string): Promise<Case> {
  const site = await SiteHost.bootstrapped();
  sites.push(site);
  site.disk.write("/srv/first/index.html", "first");
  site.disk.write("/srv/first/assets/app.4f283b18.js", "script");
  site.disk.write("/srv/new/index.html", "new");
  site.disk.write("/srv/new/more.html", "more");
  for (const source of ["first", "site", "first", "site"]) {
    const publish = `project publish demo --domain demo.test --source /srv/${source}`;
    expect(await site.type(publish)).toMatchObject({ exit: 0, err: "" });
  }
  return { host: site.host, trees: site.trees, snapshot: () => site.snapshot(), words: line.split(" ") };
}

/** Returns a host whose only preview expires in this time, which may be past. */
async function previewed(line: string, lifetimeMs = 1e6): Promise<Case> {
  const made = await served(line);
  await typedWords(
    "project deploy demo /srv/new --preview fix-7".split(" "),
    made.host,
    undefined,
    undefined,
    undefined,
    made.trees,
  );
  const expires = new Date(Date.now() + lifetimeMs).toISOString();
  const metadata = { created: expires, expires, branch: null, key: null };
  made.host.writeFile(
    "/var/www/docs/.edox-ops-previews/demo/fix-7.json",
    new TextEncoder().encode(JSON.stringify(metadata)),
    { mode: 0o600, uid: made.host.uid, gid: made.host.uid },
  );
  return made;
}

/** Returns the same with two versions, of which `latest` is the older one. */
async function versioned(line: string): Promise<Case> {
  const made = await served(line);
  for (const flags of ["--as 1.4 --alias latest --default", "--as 1.5"]) {
    const deploy = ["project", "deploy", "demo", "/srv/new", ...flags.split(" ")];
    expect(await typedWords(deploy, made.host, undefined, undefined, undefined, made.trees)).toMatchObject({ exit: 0 });
  }
  return made;
}

/** Returns a host with a registered project that is not served. */
async function registered(line: string, ...before: string[]): Promise<Case> {
  const host = await bootstrap(fakeDebian());
  for (const each of ["project add demo --domain demo.test", ...before]) {
    expect(await typedWords(each.split(" "), host)).toMatchObject({ exit: 0, err: "" });
  }
  return inMemory(host, line);
}

async function runner(line: string, ...more: string[]): Promise<Case> {
  const { host } = await preparedRunner();
  const gitlab = fakeGitLab(host, "https://gitlab.test");
  gitlab.runners.set("glrt-0123456789", 41);
  if (!line.includes(" register")) {
    const register = "gitlab-runner register --url https://gitlab.test --profile ci --token glrt-0123456789";
    expect(await typedWords(register.split(" "), host)).toMatchObject({ exit: 0 });
  }
  return inMemory(host, line, ...more);
}

/** Returns a host with images and volumes that a cleanup may remove. */
async function cleaned(line: string): Promise<Case> {
  const { host } = await preparedRunner();
  host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  cleanable(host);
  return inMemory(host, line);
}

function program(line: string): Case {
  const host = fakeDebian();
  host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  host.put("/usr/local/bin/.edox-ops.previous", "before", { mode: 0o755 });
  host.taught.unshift(([name, flag, path = ""]) => {
    if (name?.startsWith("/usr/local/bin/") && flag === "--version") return ok("1.0.0\n");
    if (name !== "rm" || flag !== "-r") return undefined;
    host.remove(path);
    return ok();
  });
  return inMemory(host, line);
}

/** Returns a host on which a step with a journal was killed. */
async function interruptedRun(line: string): Promise<Case> {
  const host = fakeDebian();
  host.put("/etc/ssh/sshd_config", "Port 22\n");
  await interrupt(host, "ssh.harden", [
    {
      ...{ kind: "file", path: "/etc/ssh/sshd_config", mode: 0o644, uid: 0, gid: 0 },
      ...{ before: Text.of("Port 22\n"), after: Text.of("Port 2222\n") },
    },
    { kind: "link", path: "/etc/ssh/link", before: null, after: "sshd_config" },
  ]);
  return inMemory(host, line);
}

/** Returns the same with a change that waits for a confirmation. */
async function unconfirmed(line: string): Promise<Case> {
  const made = await interruptedRun(line);
  const content = JSON.stringify({ untilMs: made.host.now() + 60_000, session: null });
  (made.host as FakeHost).dir(lockDir, { mode: 0o700 });
  (made.host as FakeHost).put(unconfirmedPath, content, { mode: 0o600 });
  return made;
}

/** Returns a host without an SSH server, so that there is no login to prove. */
function withoutSsh(line: string): Case {
  const host = fakeDebian();
  Object.assign(addUfw(host), { listening: [], configured: [] });
  host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  return inMemory(host, line);
}

/** Returns a host whose alerts are mailed. */
async function alerting(line: string): Promise<Case> {
  const host = await bootstrap(fakeDebian());
  host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  host.put("/usr/sbin/sendmail", "", { mode: 0o755 });
  const enable = "watch enable --mail ops@example.org --yes";
  expect(await typedWords(enable.split(" "), host)).toMatchObject({ exit: 0, err: "" });
  host.taught.unshift(([name, flag, path = ""]) => {
    if (name !== "rm" || flag !== "-r") return undefined;
    for (const each of Object.keys(host.listing(path)).reverse()) host.remove(each);
    return ok();
  });
  return inMemory(host, line);
}

/** Returns a host with a site, and a repository that the real restic would have answered for. */
async function backedUp(line: string, ...before: string[]): Promise<Case> {
  const made = await served(line);
  const [site] = sites.slice(-1);
  if (site === undefined) throw new Error("there is no host");
  const restic = new FakeRestic(site.disk.root);
  restics.push(restic);
  const fake = made.host as FakeHost;
  // A repository on the disk of the sites has a warning.
  fake.put("/proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /mnt ext4 rw 0 0\n");
  fake.put("/root/password", "secret\n");
  fake.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  fake.dir("/var/lib/edox-ops");
  // What a restore fetches is synced.
  Object.assign(made.trees ?? {}, { sync() {} });
  fake.taught.unshift((argv) => {
    if (argv[0] === "/usr/local/bin/edox-ops") return ok('{"outcome":"ok","findings":[]}');
    const output = restic.answer(argv);
    // A snapshot that a later edox-ops made would be refused.
    if (argv.includes("restore")) {
      fake.put(`${restoredDir}${manifestPath}`, new TextDecoder().decode(fake.read(manifestPath) ?? undefined));
      fake.put(`${restoredDir}/etc/edox-ops/projects.json`, fake.text("/etc/edox-ops/projects.json") ?? "{}");
    }
    return output;
  });
  for (const each of before) {
    const { exit, err } = await typedWords(each.split(" "), made.host, undefined, undefined, undefined, made.trees);
    if (exit !== 0) throw new Error(err);
  }
  return made;
}

const initLine = "backup init --repo /mnt/repo --password-file /root/password --yes";

/** A command line for each changing command, on a host where it has changes to apply. */
const cases: Record<string, () => Case | Promise<Case>> = {
  ...Object.fromEntries(
    Object.keys(featureCommands).map((name) => [name, () => inMemory(fakeDebian(), `${name} --yes`)]),
  ),
  "gitlab-runner install": () => inMemory(fakeDebian(), "gitlab-runner install --yes", ...mirrors.slice(2)),
  "gitlab-runner prepare-ci-host": () => inMemory(fakeDebian(), "gitlab-runner prepare-ci-host --yes", ...mirrors),
  "gitlab-runner register": () =>
    runner("gitlab-runner register --url https://gitlab.test --profile ci --token glrt-0123456789 --concurrent 2"),
  "gitlab-runner unregister": () => runner("gitlab-runner unregister", "edox-ops CI runner"),
  "gitlab-runner upgrade": () => runner("gitlab-runner upgrade"),
  "gitlab-runner uninstall": () => runner("gitlab-runner uninstall --yes"),
  "gitlab-runner cleanup enable": () => cleaned("gitlab-runner cleanup enable --keep 20GiB --yes"),
  "gitlab-runner cleanup disable": () => cleaned("gitlab-runner cleanup disable --yes"),
  "gitlab-runner cleanup run": () => cleaned("gitlab-runner cleanup run"),
  "backup init": () => backedUp(initLine),
  "backup enable": () => backedUp("backup enable --yes", initLine),
  "backup disable": () => backedUp("backup disable --yes", initLine, "backup enable --yes"),
  "backup run": () => backedUp("backup run", initLine),
  "backup restore": async () => {
    const made = await backedUp("backup restore --yes", initLine, "backup run");
    (made.host as FakeHost).put(`${restoredDir}/none`, "left by a killed restore");
    return made;
  },
  "restore-host": async () => {
    const made = await backedUp(
      "restore-host --repo /mnt/repo --password-file /root/password --yes",
      initLine,
      "backup run",
    );
    for (const path of [settingsPath, passwordPath, "/etc/edox-ops/projects.json"]) made.host.remove(path);
    return made;
  },
  "certs renew": () => inMemory(certbotHost([{ name: "demo.test", to: "2027-02-01" }]), "certs renew --yes"),
  "certs setup-auto-renew": () => inMemory(fakeDebian(), "certs setup-auto-renew --yes"),
  "host admin": () => {
    const host = sshHost();
    host.put("/srv/carol.pub", publicKey);
    return inMemory(host, "host admin carol --key /srv/carol.pub --yes");
  },
  "host confirm": () => unconfirmed("host confirm"),
  "host ssh-harden": () => inMemory(sshHost(), "host ssh-harden --yes"),
  "host firewall": () => withoutSsh("host firewall --yes --allow 8080 --docker"),
  "host security-updates": () => inMemory(hardenableHost(), "host security-updates --reboot 03:30 --yes"),
  "host fail2ban": () => inMemory(hardenableHost(), "host fail2ban --yes"),
  "host logrotate": () => inMemory(fakeDebian(), "host logrotate --yes"),
  "host harden": () => inMemory(hardenableHost(), "host harden --all --yes"),
  "host unharden": async () => {
    const host = hardenableHost();
    expect(await typedWords("host harden --all --yes".split(" "), host)).toMatchObject({ exit: 0 });
    return inMemory(host, "host unharden --yes");
  },
  "certs install": () => inMemory(fakeDebian(), "certs install --yes"),
  "certs install-renewal-hook": () => inMemory(fakeDebian(), "certs install-renewal-hook --yes"),
  "project certs issue": async () => {
    const made = await registered("project certs issue demo --yes", "project init demo", "project enable demo");
    addAuthority(made.host as FakeHost, ["demo.test"]);
    return made;
  },
  "project publish": () => served("project publish demo --domain moved.test --source /srv/new"),
  "project add": () => registered("project add other --domain other.test"),
  "project update": () =>
    registered("project update demo --domain moved.test", "project init demo", "project enable demo"),
  "project remove": () => registered("project remove demo", "project init demo", "project enable demo"),
  "project init": () => registered("project init demo"),
  "project key add": async () => {
    const made = await registered("project key add demo --key /srv/ci.pub");
    (made.host as FakeHost).put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
    (made.host as FakeHost).put("/srv/ci.pub", `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)} ci\n`);
    return made;
  },
  "project key remove": async () => {
    const made = await registered("project key remove demo ci");
    (made.host as FakeHost).put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
    expect(await typedWords("project key add demo --generate".split(" "), made.host)).toMatchObject({ exit: 0 });
    return made;
  },
  "project deploy": () => served("project deploy demo --source /srv/new --keep 2"),
  "project restore": () => served("project restore demo --yes --keep 1"),
  "project rollback": () => served("project rollback demo --yes"),
  "project backups prune": () => served("project backups prune demo --keep 1"),
  "project versions alias": () => versioned("project versions alias demo latest 1.5"),
  "project versions default": () => versioned("project versions default demo 1.5"),
  "project versions rename": () => versioned("project versions rename demo 1.4 1.4.0"),
  "project versions remove": () => versioned("project versions remove demo 1.5 --yes"),
  "project assets prune": () => served("project assets prune demo"),
  "project previews remove": () => previewed("project previews remove demo fix-7"),
  "project previews prune": () => previewed("project previews prune", -1),
  "project enable": () => registered("project enable demo", "project init demo"),
  "project disable": () => registered("project disable demo", "project init demo", "project enable demo"),
  "project render-nginx": () => registered("project render-nginx demo"),
  "watch enable": () => alerting("watch enable --webhook http://hook.test/ --every 10m --yes"),
  "watch disable": () => alerting("watch disable --yes"),
  "watch run": () => alerting("watch run"),
  recover: () => interruptedRun("recover"),
  "self-update": () => program("self-update --rollback"),
  uninstall: () => program("uninstall --yes"),
};

test("dry run: every changing command has a test case", () => {
  expect(Object.keys(cases).sort()).toEqual(changing.map(({ name }) => name).sort());
});

type Document = v.InferOutput<typeof documentSchema>;
type Summary = Extract<RunEvent, { event: "summary" }>;

/**
 * Returns the changes in a document. A file counts by its path, because a token from GitLab is not known in advance.
 */
function changesOf({ steps = [], plan, backups, assets, previews }: Document) {
  return {
    steps: steps.map(({ id, result, changes }) => ({
      id,
      isDone: result === "ok",
      changes: changes.filter((change) => !isByItself(change, steps)).map(named),
    })),
    ...{ plan, backups, assets, previews },
  };
}

type Steps = NonNullable<Document["steps"]>;
type Change = Steps[number]["changes"][number];

const named = (change: Change) => {
  if (change.kind === "command") return change.argv.join(" ");
  return change.kind === "packages" ? change : `${change.kind} ${change.path}`;
};

/**
 * Returns whether a change is a side effect: the run's log creates its directory, and an installed package starts its
 * service.
 */
function isByItself(change: Change, steps: Steps): boolean {
  if (change.kind !== "command") return "path" in change && change.path === "/var/log/edox-ops";
  const installed = steps.flatMap(({ changes }) =>
    changes.flatMap((each) => (each.kind === "packages" ? each.names : [])),
  );
  return change.argv[1] === "reload-or-restart" && installed.includes(change.argv[2] ?? "") && steps.length > 1;
}

describe("dry run", () => {
  for (const [name, make] of Object.entries(cases)) {
    test(`${name}: a dry run changes nothing, sends no request that changes anything, and lists the changes of the run`, async () => {
      const { host, trees, snapshot, words } = await make();
      const ran = (host as FakeHost).ran.length;
      const asked = (host as FakeHost).asked.length;
      const type = async (...flags: string[]) => {
        const all = flags.length > 0 ? words.filter((word) => word !== "--yes") : words;
        return typedWords([...all, "--diff", ...flags], host, undefined, undefined, undefined, trees);
      };
      const plan = async (...flags: string[]) => {
        const { exit, out } = await type(...flags, "--json");
        return { exit, document: v.parse(documentSchema, JSON.parse(out)) };
      };
      const before = snapshot();
      const dry = await plan("--dry-run");
      expect(dry).toMatchObject({ exit: 0, document: { outcome: "pending" } });
      expect(await plan("--check")).toMatchObject({ exit: 3, document: { outcome: "pending" } });
      const watched = eventsOf((await type("--dry-run", "--json=lines")).out);
      expect(watched.at(-1)).toEqual({ event: "summary", ...dry.document });
      expect(snapshot()).toEqual(before);
      if (name !== "self-update") expect((host as FakeHost).ran.length).toBe(ran);
      expect((host as FakeHost).asked.slice(asked).filter((each) => !each.startsWith("GET "))).toEqual([]);

      if (name === "self-update") return;
      const { exit, out } = await typedWords(
        [...words, "--diff", "--json=lines"],
        host,
        undefined,
        undefined,
        undefined,
        trees,
      );
      const events = eventsOf(out);
      const { event, ...document } = events.at(-1) as Summary;
      expect({ exit, event, document }).toMatchObject({ exit: 0, event: "summary", document: { outcome: "changed" } });
      expect(changesOf(dry.document)).toEqual(changesOf(document));
      // Each step of the document was reported when it began and when it ended.
      expect(events.flatMap((each) => (each.event === "finished" ? each.step : []))).toEqual(document.steps ?? []);
      const started = events.flatMap((each) => (each.event === "started" ? each.step.id : []));
      expect(started.sort()).toEqual((document.steps ?? []).map(({ id }) => id).sort());
      expect(snapshot()).not.toEqual(before);
    });
  }
});

/**
 * Whether each command asks at a terminal: with its plan, with a question of its own, or never. `piped`: the exit code
 * without a terminal and without --yes. A command that takes a site offline, deletes something or replaces live content
 * asks. A deploy does not: replacing the content is its purpose, and `project rollback` undoes it. `project publish` asks
 * where `project update` would.
 */
const asks: Record<string, { by: "plan" | "question" | "nothing"; piped: number }> = {
  ...Object.fromEntries(Object.keys(featureCommands).map((name) => [name, { by: "plan", piped: 2 } as const])),
  "gitlab-runner install": { by: "plan", piped: 2 },
  "gitlab-runner prepare-ci-host": { by: "plan", piped: 2 },
  "gitlab-runner register": { by: "nothing", piped: 0 },
  "gitlab-runner unregister": { by: "question", piped: 0 },
  "gitlab-runner upgrade": { by: "nothing", piped: 0 },
  "gitlab-runner uninstall": { by: "plan", piped: 2 },
  "gitlab-runner cleanup enable": { by: "plan", piped: 2 },
  "gitlab-runner cleanup disable": { by: "plan", piped: 2 },
  // The timer runs it, and it removes only what the engine can pull again.
  "gitlab-runner cleanup run": { by: "nothing", piped: 0 },
  "host admin": { by: "plan", piped: 2 },
  "host confirm": { by: "nothing", piped: 0 },
  "host ssh-harden": { by: "plan", piped: 2 },
  "host firewall": { by: "plan", piped: 2 },
  "host security-updates": { by: "plan", piped: 2 },
  "host fail2ban": { by: "plan", piped: 2 },
  "host logrotate": { by: "plan", piped: 2 },
  "host harden": { by: "plan", piped: 2 },
  "host unharden": { by: "plan", piped: 2 },
  "backup init": { by: "plan", piped: 2 },
  "backup enable": { by: "plan", piped: 2 },
  "backup disable": { by: "plan", piped: 2 },
  "backup run": { by: "nothing", piped: 0 },
  "backup restore": { by: "question", piped: 2 },
  "restore-host": { by: "question", piped: 2 },
  "certs renew": { by: "plan", piped: 2 },
  "certs setup-auto-renew": { by: "plan", piped: 2 },
  "certs install": { by: "plan", piped: 2 },
  "certs install-renewal-hook": { by: "plan", piped: 2 },
  "project certs issue": { by: "plan", piped: 2 },
  "project publish": { by: "question", piped: 0 },
  "project add": { by: "nothing", piped: 0 },
  "project update": { by: "question", piped: 0 },
  "project remove": { by: "question", piped: 0 },
  "project init": { by: "nothing", piped: 0 },
  "project key add": { by: "nothing", piped: 0 },
  "project key remove": { by: "nothing", piped: 0 },
  "project deploy": { by: "nothing", piped: 0 },
  "project restore": { by: "question", piped: 1 },
  "project rollback": { by: "question", piped: 1 },
  "project backups prune": { by: "question", piped: 0 },
  "project versions alias": { by: "nothing", piped: 0 },
  "project versions default": { by: "nothing", piped: 0 },
  "project versions rename": { by: "nothing", piped: 0 },
  "project versions remove": { by: "question", piped: 2 },
  "project assets prune": { by: "question", piped: 0 },
  "project previews remove": { by: "question", piped: 0 },
  "project previews prune": { by: "question", piped: 0 },
  "project enable": { by: "nothing", piped: 0 },
  "project disable": { by: "question", piped: 0 },
  "project render-nginx": { by: "nothing", piped: 0 },
  "watch enable": { by: "plan", piped: 2 },
  "watch disable": { by: "plan", piped: 2 },
  "watch run": { by: "nothing", piped: 0 },
  recover: { by: "nothing", piped: 0 },
  // The program of before stays beside this one: the same command undoes a rollback.
  "self-update": { by: "nothing", piped: 0 },
  uninstall: { by: "plan", piped: 2 },
};

test("confirmation: every changing command has chosen whether it asks", () => {
  expect(Object.keys(asks).sort()).toEqual(changing.map(({ name }) => name).sort());
});

describe("confirmation", () => {
  for (const [name, { by, piped }] of Object.entries(asks)) {
    const yes = commands
      .find(({ path }) => path.slice(1).join(" ") === name)
      ?.flags.find((flag) => flag.name === "--yes");

    if (by === "nothing") {
      test(`${name}: never asks, and has no --yes`, async () => {
        expect(yes).toBeUndefined();
        const { host, trees, words } = await (cases[name] as () => Promise<Case>)();
        const line = name === "self-update" ? [...words, "--dry-run"] : words;
        asked.length = 0;
        const { exit } = await typedWords(line, host, false, undefined, undefined, trees);
        expect([exit, asked]).toEqual([0, []]);
      });
      continue;
    }

    test(`${name}: a no changes nothing and is no error, -y skips the question, and a dry run does not ask`, async () => {
      expect(yes).toMatchObject({ short: "-y", description: "Apply without asking for confirmation" });
      const { host, trees, snapshot, words } = await (cases[name] as () => Promise<Case>)();
      const line = words.filter((word) => word !== "--yes");
      const type = (person: boolean | undefined, ...flags: string[]) => {
        asked.length = 0;
        return typedWords([...line, ...flags], host, person, undefined, undefined, trees);
      };
      const before = snapshot();
      const declined = await type(false);
      expect([declined.exit, declined.err, asked.length]).toEqual([1, "", 1]);
      expect(asked[0]).toMatch(/\S\? \[y\/N\] $/);
      expect(declined.out).toEndWith(`${asked[0]}Nothing was changed.\n`);
      const json = await type(false, "--json");
      const document = v.parse(documentSchema, JSON.parse(json.out));
      const exit = by === "plan" ? 2 : 1;
      expect([json.exit, document.outcome, document.exit]).toEqual([exit, "refused", exit]);
      expect(json.err).toBe(asked.join(""));
      expect([(await type(false, "--dry-run")).exit, asked]).toEqual([0, []]);
      if (piped > 0) expect([(await type(undefined)).exit, asked]).toEqual([piped, []]);
      expect(snapshot()).toEqual(before);
      expect([(await type(false, "-y")).exit, asked]).toEqual([0, []]);
      expect(snapshot()).not.toEqual(before);
    });

    test(`${name}: a yes applies it, and without a terminal the exit code is ${piped}`, async () => {
      const made = await Promise.all([0, 1].map(() => (cases[name] as () => Promise<Case>)()));
      const [terminal, pipe] = made as [Case, Case];
      const line = terminal.words.filter((word) => word !== "--yes");
      asked.length = 0;
      const accepted = await typedWords(line, terminal.host, true, undefined, undefined, terminal.trees);
      expect([accepted.exit, accepted.err, asked.length]).toEqual([0, "", 1]);
      const before = pipe.snapshot();
      asked.length = 0;
      const { exit } = await typedWords(line, pipe.host, undefined, undefined, undefined, pipe.trees);
      expect([exit, asked]).toEqual([piped, []]);
      expect(Bun.deepEquals(pipe.snapshot(), before)).toBe(piped > 0);
    });
  }
});

test("project remove --delete-files: a dry run lists the trees and every file of the site", async () => {
  const { host, trees, snapshot } = await served("");
  const listed = async (flag: string) => {
    const line = ["project", "remove", "demo", "--delete-files", flag, "--json"];
    const { exit, out } = await typedWords(line, host, undefined, undefined, undefined, trees);
    const document = v.parse(documentSchema, JSON.parse(out));
    const changes = (document.steps ?? []).flatMap((step) => step.changes.map(named));
    return { exit, outcome: document.outcome, trees: document.trees, changes: [...new Set(changes)].sort() };
  };
  const before = snapshot();
  const dry = await listed("--dry-run");
  expect(snapshot()).toEqual(before);
  expect(await listed("--check")).toEqual({ ...dry, exit: 3 });
  expect(await listed("--yes")).toEqual({ ...dry, outcome: "changed" });
});

describe("dry run of a deploy", () => {
  const flags = ["--dry-run", "--json"];

  test("deploy and publish: a dry run unpacks an archive and leaves nothing behind, for a new project too", async () => {
    const { host, trees, snapshot } = await served("");
    const tar = Bun.spawnSync(["tar", "-C", `${sites[0]?.disk.root}/srv/new`, "-cf", "-", "."]).stdout;
    writeFileSync(`${sites[0]?.disk.root}/srv/a.tar`, tar);
    for (const words of ["publish new --domain new.test", "publish demo", "deploy demo"]) {
      const before = snapshot();
      const line = ["project", ...words.split(" "), "--source", "/srv/a.tar", ...flags];
      const { exit, out } = await typedWords(line, host, undefined, undefined, undefined, trees);
      expect([exit, JSON.parse(out).plan.added]).toEqual([
        0,
        words.includes("new") ? ["index.html", "more.html"] : ["more.html"],
      ]);
      expect(snapshot()).toEqual(before);
    }
  });

  test("deploy: a dry run works without root if the user can read the files, and otherwise needs root", async () => {
    const { host, trees, snapshot } = await served("");
    const before = snapshot();
    const user = Object.assign(Object.create(host), host, { uid: 1000 }) as Host;
    const type = (source: string, ...more: string[]) => {
      const line = ["project", "deploy", "demo", "--source", source, ...flags, ...more];
      return typedWords(line, user, undefined, undefined, undefined, trees);
    };
    const { exit, out } = await type("/srv/new");
    expect([exit, JSON.parse(out).plan.added]).toEqual([0, ["more.html"]]);
    expect((await type("/srv/new", "--check")).exit).toBe(3);
    expect((await type("/srv/site", "--check")).exit).toBe(0);
    writeFileSync(`${sites[0]?.disk.root}/srv/a.tar`, "");
    const archive = await type("/srv/a.tar");
    expect(archive.exit).toBe(2);
    expect(JSON.parse(archive.out).error).toMatchObject({
      code: "not-root",
      message: "the source is unpacked in /var/www/docs/.edox-ops-backups to be compared, which only root may",
      hint: ["sudo", "edox-ops", "project", "deploy", "demo", "--source", "/srv/a.tar", ...flags],
    });
    sites[0]?.disk.remove("/srv/a.tar");
    expect(snapshot()).toEqual(before);
  });

  test("deploy: a dry run reports missing disk space as the deploy does", async () => {
    const { host, trees } = await served("");
    const { room } = trees as Trees;
    Object.assign(trees as Trees, { room: (path: string) => ({ ...room(path), bytes: 0 }) });
    trees?.remove("/var/www/docs/.edox-ops-backups/demo/.spare");
    for (const more of [flags, ["--json"]]) {
      const line = ["project", "deploy", "demo", "--source", "/srv/new", ...more];
      const { exit, out } = await typedWords(line, host, undefined, undefined, undefined, trees);
      expect([exit, JSON.parse(out).error.message]).toEqual([1, expect.stringContaining("no room for the new tree")]);
    }
  });
});
