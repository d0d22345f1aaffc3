// The codes of problems: each is what a command or a part of it reports in a state of its own.

import { expect, test } from "bun:test";
import { openBundle } from "../../src/bundle/reader.ts";
import { UnknownStateError } from "../../src/host/host.ts";
import { LimitError } from "../../src/host/system-error.ts";
import { RejectedArchive, type Trees } from "../../src/host/trees.ts";
import { refusal } from "../../src/nginx/accepts.ts";
import { type ProblemCode, problemCodes } from "../../src/problem/codes.ts";
import { withDiskFault } from "../../src/problem/disk-fault.ts";
import { Problem } from "../../src/problem/problem.ts";
import { demandStopped } from "../../src/runner/drain.ts";
import { demandUnpackaged } from "../../src/self-update/program.ts";
import { fetchPublished } from "../../src/self-update/published.ts";
import { update } from "../../src/self-update/update.ts";
import { planDeletion } from "../../src/sites/deletion.ts";
import { unservedProblem } from "../../src/sites/serve/served.ts";
import { makeBundle } from "../bundle/small.ts";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, fakeHost } from "../fake-host.ts";
import { runnerHost } from "../hints/runner-cases.ts";
import { registeredHost, typedDeploy } from "../sites/typed-deploy.ts";

/** Returns the code that a command line prints with `--json`. */
async function printed(line: string, host: FakeHost = fakeDebian()): Promise<string> {
  return JSON.parse((await typed(`${line} --json`, host)).out).error?.code;
}

/** Returns the code of the error that `act` throws. */
async function thrown(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    return Problem.of(error).code;
  }
  return "none";
}

/** Returns the code of a bootstrap whose writes fail with this error of the system. */
async function failedWrite(message: string): Promise<string> {
  const host = fakeDebian();
  host.writeFile = () => {
    throw new Error(`${message}, write '/etc/a'`);
  };
  return await printed("bootstrap --yes", host);
}

/** Returns the code of a bootstrap where commands that contain `word` fail. */
async function failedCommand(word: string): Promise<string> {
  const host = fakeDebian();
  host.taught.unshift((argv) => (argv.includes(word) ? { code: 1, stdout: "", stderr: "it fails\n" } : undefined));
  return await printed("bootstrap --yes", host);
}

/** Returns the code of a deploy of this file alone. */
async function deployed(path: string): Promise<string> {
  using host = registeredHost();
  host.write(`/srv/new/${path}`, "content");
  return JSON.parse((await typedDeploy(host.root, "/srv/new", "--json")).out).error.code;
}

const releaseSource = {
  base: "https://releases.test",
  keys: "-----BEGIN PUBLIC KEY-----\n\n-----END PUBLIC KEY-----\n",
};

/** Returns the code of an update from a server that answers with this status. */
async function published(status: number): Promise<string> {
  const host = fakeHost();
  host.served.push(() => ({ status, body: new Uint8Array() }));
  return await thrown(() => fetchPublished(host, releaseSource, "1.2.3"));
}

async function otherSum(): Promise<string> {
  const host = fakeDebian();
  host.put("/opt/edox-ops", "old");
  host.served.push(() => ({ status: 200, body: Buffer.from("other") }));
  const release = {
    version: "1.2.3",
    sumOf: () => "0".repeat(64),
    addressOf: () => "https://releases.test/a.deb",
    sums: new Uint8Array(),
    signature: new Uint8Array(),
  };
  const offer = { release, same: false, asset: "a.deb", binary: "edox-ops-linux-x64", deb: "a.deb" };
  const trees = { remove() {} } as unknown as Trees;
  const request = { program: "/opt/edox-ops", version: "1.0.0", releaseSource, requestedVersion: null };
  return await thrown(() => update(host, trees, { request, offer, stop: () => null, onBytes: () => {} }));
}

async function rejectedToken(): Promise<string> {
  const { host } = await runnerHost();
  return await printed("gitlab-runner register --url https://gitlab.test --token glrt-mistyped", host);
}

async function twice(line: string): Promise<string> {
  const host = fakeDebian();
  await typed(line, host);
  return await printed(line, host);
}

async function stateOf(line: string, prepare: (host: FakeHost) => unknown): Promise<string> {
  const host = fakeDebian();
  await prepare(host);
  return await printed(line, host);
}

const cases: Record<ProblemCode, () => string | Promise<string>> = {
  usage: () => printed("bootstrap --nonsense"),
  "missing-value": () => stateOf("project deploy demo", (host) => typed("project add demo --domain demo.test", host)),
  "invalid-value": () => printed("project add Demo --domain demo.test"),
  "not-root": () => printed("bootstrap --yes", fakeDebian({ uid: 1000 })),
  "not-confirmed": () => printed("bootstrap"),
  locked: () =>
    stateOf("bootstrap --yes", ({ locks }) =>
      locks.set("/run/edox-ops/host.lock", { pid: 7, command: "", sinceMs: 0 }),
    ),
  "in-use": () => {
    const trees = { pinned: () => "mount point", entry: () => ({}), walk: () => [{ path: "" }] } as unknown as Trees;
    return thrown(() => planDeletion(trees, "demo", ["/srv/demo"]));
  },
  "concurrent-change": () => {
    const host = fakeDebian();
    host.link("/run/systemd/units/invocation:gitlab-runner.service", "0123");
    return thrown(() => demandStopped(host));
  },
  timeout: () =>
    stateOf("bootstrap --yes", ({ locks }) => locks.set("/var/lib/dpkg/lock", { pid: 7, command: "apt", sinceMs: 0 })),
  interrupted: () =>
    stateOf("bootstrap --yes", (host) => {
      host.signal = { name: "SIGTERM", number: 15 };
    }),
  "not-found": () => printed("project show demo"),
  "already-exists": () => twice("project add demo --domain demo.test"),
  conflict: () => stateOf("bootstrap --yes", (host) => host.put("/var/www/docs", "a file")),
  "not-managed": () => {
    const host = fakeDebian();
    const stanza = "Package: edox-ops\nStatus: install ok installed\nVersion: 1\n\n";
    host.put("/var/lib/dpkg/status", `${host.text("/var/lib/dpkg/status")}${stanza}`);
    return thrown(() => demandUnpackaged(host, "/usr/bin/edox-ops", []));
  },
  "wrong-target": async () => {
    const host = fakeDebian({ version: "13", codename: "trixie" });
    host.dir("/mnt");
    await makeBundle(host, "/mnt/b.tar", {});
    return await printed("bootstrap --bundle /mnt/b.tar --yes", host);
  },
  "unsupported-platform": () => printed("bootstrap --yes", fakeDebian({ id: "fedora", version: "40" })),
  "precondition-failed": () => printed("bootstrap --yes --only nginx.prepare"),
  "unknown-state": () => thrown(() => Promise.reject(new UnknownStateError("only root can read that"))),
  "invalid-config": () =>
    stateOf("project show demo", (host) => host.put("/etc/edox-ops/projects.json", "{", { mode: 0o600 })),
  "invalid-source": () => deployed("page.html"),
  "unsafe-source": () => deployed("id_rsa"),
  "vanished-addresses": async () => {
    using host = registeredHost();
    host.write("/srv/site/guide.html", "guide");
    await typedDeploy(host.root, "/srv/site");
    host.remove("/srv/site/guide.html");
    return JSON.parse((await typedDeploy(host.root, "/srv/site", "--strict-urls", "--json")).out).error.code;
  },
  "no-space": () => failedWrite("ENOSPC: no space left on device"),
  "read-only-file-system": () => failedWrite("EROFS: read-only file system"),
  "permission-denied": () => failedWrite("EACCES: permission denied"),
  "limit-exceeded": () => failedWrite("EFBIG: file too large"),
  "io-error": () => failedWrite("EIO: i/o error"),
  unreachable: () => published(0),
  "unexpected-response": () => published(404),
  "token-rejected": rejectedToken,
  "invalid-bundle": () => {
    const host = fakeDebian();
    host.put("/mnt/stick.tar", "no bundle");
    return thrown(() => openBundle(host, "/mnt/stick.tar"));
  },
  "invalid-signature": () => published(200),
  "checksum-mismatch": otherSum,
  "package-failed": () => failedCommand("install"),
  "command-failed": () => failedCommand("reload-or-restart"),
  "not-served": async () =>
    (await unservedProblem(async () => ({ reason: "it does not answer", hint: [] })))?.code ?? "",
  "verify-failed": () =>
    stateOf("bootstrap --yes", (host) =>
      host.taught.unshift((argv) => (argv[0] === "systemctl" ? { code: 0, stdout: "", stderr: "" } : undefined)),
    ),
  "failed-on-purpose": () => printed("bootstrap --yes --fail-step nginx.prepare"),
  internal: () =>
    stateOf("bootstrap --yes", (host) => {
      host.makeDirectory = () => {
        throw new TypeError("undefined is not a function");
      };
    }),
};

for (const [code, report] of Object.entries(cases)) {
  test(`problem codes: ${code} is reported in a state of its own`, async () => {
    expect(await report()).toBe(code);
  });
}

const src = `${import.meta.dir}/../../src`;
const files = [...new Bun.Glob("**/*.ts").scanSync(src)].filter((path) => path !== "problem/codes.ts");
const texts = await Promise.all(files.map((path) => Bun.file(`${src}/${path}`).text()));
/** The words that stand where a code does. */
const used = new Set(
  texts.flatMap((text) => {
    const places = text.matchAll(/(?:new Problem|refusal)\(\s*"([^"]+)"|\bcode: "([^"]+)"|[?:] "([a-z-]+)"/g);
    return [...places].map(([, problem, key, chosen]) => problem ?? key ?? chosen ?? "");
  }),
);

test("problem codes: the source uses each code of the list, and no other", () => {
  const codes = Object.keys(problemCodes);
  expect(codes.filter((code) => !used.has(code))).toEqual([]);
  const written = texts.flatMap((text) =>
    [...text.matchAll(/new Problem\(\s*"([^"]+)"/g)].map(([, code = ""]) => code),
  );
  expect(written.filter((code) => !codes.includes(code))).toEqual([]);
});

test("problem codes: each is in lower case with hyphens, and has its meaning in one line", () => {
  for (const [code, meaning] of Object.entries(problemCodes)) {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(meaning).toMatch(/^\S.{10,110}[^.]$/);
  }
});

test("problem codes: errors of the system have the code of their cause, with and without a message of the runtime", () => {
  const rows: [string, ProblemCode][] = [
    ["EDQUOT", "no-space"],
    ["EPERM", "permission-denied"],
    ["EBUSY", "in-use"],
    ["ENOENT", "not-found"],
    ["EEXIST", "already-exists"],
    ["ENOTDIR", "conflict"],
    ["ELOOP", "conflict"],
    ["EMFILE", "limit-exceeded"],
    ["EPROTO", "io-error"],
  ];
  for (const [name, code] of rows) {
    expect(Problem.of(new Error(`${name}: in words, open '/a'`)).code).toBe(code);
    expect(Problem.of(Object.assign(new Error("in words"), { code: name })).code).toBe(code);
  }
  expect(Problem.of(new Error("in words")).code).toBe("io-error");
  expect(Problem.of(new LimitError("only 3 threads")).code).toBe("limit-exceeded");
  expect(Problem.of(new RejectedArchive("it is nested too deeply")).code).toBe("invalid-source");
  expect(Problem.of(new RejectedArchive("it has too many entries", "entries")).code).toBe("limit-exceeded");
  expect(Problem.of(new RejectedArchive("it was changed", "unchanged")).code).toBe("concurrent-change");
});

test("problem codes: a command that failed because of the disk has the code of the disk", () => {
  const rows: [string, ProblemCode][] = [
    ["No space left on device", "no-space"],
    ["Read-only file system", "read-only-file-system"],
  ];
  for (const [stderr, code] of rows) {
    const host = fakeHost();
    const problem = new Problem("package-failed", "it failed", { stderr, returncode: 100 });
    expect(withDiskFault(host, problem)).toMatchObject({ code, returncode: 100, stderr });
  }
  const notRolledBack = new Problem(
    "interrupted",
    "interrupted by SIGINT; not rolled back: /etc/a: read-only file system",
  );
  expect(withDiskFault(fakeHost(), notRolledBack).code).toBe("interrupted");
  const fixed = fakeHost();
  fixed.dir("/etc");
  expect(withDiskFault(fixed, new Problem("io-error", "/etc/a: operation not permitted, open")).code).toBe(
    "permission-denied",
  );
});

test("problem codes: an nginx that refuses its configuration has one code before a change and in it", async () => {
  const refuses = (host: FakeHost): unknown =>
    host.taught.unshift(([program]) =>
      program === "nginx" ? { code: 1, stdout: "", stderr: "[emerg] x\n" } : undefined,
    );
  const host = fakeDebian();
  await typed("bootstrap --yes", host);
  await host.sleep(1000);
  host.put("/etc/nginx/conf.d/theirs.conf", "bogus;\n");
  refuses(host);
  expect([(await refusal(host))?.code, await stateOf("bootstrap --yes", refuses)]).toEqual([
    "invalid-config",
    "invalid-config",
  ]);
});

test("problem codes: restore and rollback without --yes exit 1, any other unconfirmed command 2", async () => {
  const host = fakeDebian();
  for (const [line, exit] of [
    ["project restore demo", 1],
    ["project rollback demo", 1],
    ["bootstrap", 2],
  ] as const) {
    const { out, exit: ended } = await typed(`${line} --json`, host);
    expect([line, ended, JSON.parse(out)]).toMatchObject([line, exit, { exit, error: { code: "not-confirmed" } }]);
  }
});
