// Deploys of a tar on stdin, from slow, silent and endless senders, and of a stdin that is no pipe.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { pax, tarOf, zipOf } from "./archives.ts";
import type { TreeHost } from "./tree.ts";
import { registeredHost, type Typed } from "./typed-deploy.ts";

const live = "/var/www/docs/demo";
const page = { name: "index.html", content: "home" };
const program = `${import.meta.dir}/typed-deploy.ts`;
let host: TreeHost;
beforeEach(() => {
  host = registeredHost();
});
afterEach(() => host[Symbol.dispose]());

/** Runs a shell line that deploys from stdin. `$deploy` in the line is the program with its arguments. */
async function typed(line: string, source = "-"): Promise<string> {
  const env = { ...process.env, deploy: `${process.execPath} ${program} ${host.root} ${source}` };
  const child = Bun.spawn(["sh", "-c", line], { env, cwd: host.root, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, trace, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect([trace, code]).toEqual(["", 0]);
  return (JSON.parse(out) as Typed).err;
}

/** Starts a deploy of a tar on a pipe. The deploy ends after this long without progress. */
function piped(idleMs = 60_000) {
  return Bun.spawn([process.execPath, program, host.root, "-"], {
    env: { ...process.env, IDLE_MS: String(idleMs) },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** Returns the errors of a deploy whose pieces are sent one by one. The sender then ends, or keeps the pipe open. */
async function sent(
  pieces: Iterable<Uint8Array>,
  more: { ends: boolean; everyMs?: number; idleMs?: number },
): Promise<string> {
  const child = piped(more.idleMs);
  const ended = Promise.withResolvers<true>();
  child.exited.then(() => ended.resolve(true));
  for (const piece of pieces) {
    try {
      child.stdin.write(piece);
      child.stdin.flush();
    } catch (error) {
      // The deploy has closed the pipe, and reports why.
      if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
      break;
    }
    if (await Promise.race([Bun.sleep(more.everyMs ?? 20), ended.promise])) break;
  }
  if (more.ends) child.stdin.end();
  const [out, trace, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect([trace, code]).toEqual(["", 0]);
  return (JSON.parse(out) as Typed).err;
}

const hint = "hint: tar -C DIRECTORY -czf site.tar.gz .\n";
const refused = (why: string): string => `error: the archive on stdin is not published: ${why}\n${hint}`;

function* every(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function* endless(bytes: Uint8Array): Generator<Uint8Array> {
  for (;;) yield bytes;
}

describe("deploy: a tar on a pipe:", () => {
  test("a tar that arrives byte by byte is published", async () => {
    const bytes = gzipSync(tarOf([page]));
    expect(await sent([...every(bytes.subarray(0, 8), 1), bytes.subarray(8)], { ends: true })).toBe("");
    expect(host.text(`${live}/index.html`)).toBe("home");
  });

  for (const [signal, exit] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    test(`${signal} while the sender is silent ends the deploy, and removes what was unpacked`, async () => {
      const child = piped();
      child.stdin.write(tarOf([page]).subarray(0, 1024));
      child.stdin.flush();
      const backups = "/var/www/docs/.edox-ops-backups";
      while (!existsSync(`${host.root}${backups}/demo/.unpacked/index.html`)) await Bun.sleep(5);
      child.kill(signal);
      const [out, trace, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      expect([trace, code]).toEqual(["", 0]);
      expect(JSON.parse(out)).toMatchObject({
        exit,
        out: "",
        err: expect.stringContaining(`interrupted by ${signal}`),
      });
      expect(existsSync(`${host.root}${backups}`)).toBe(false);
    });
  }

  test("a slow sender does not time out while content arrives", async () => {
    const pieces = [...every(tarOf([{ ...page, content: "home".repeat(1000) }]), 500)];
    expect(await sent(pieces, { ends: true, everyMs: 150, idleMs: 1000 })).toBe("");
    expect(host.text(`${live}/index.html`)).toBe("home".repeat(1000));
  });

  test("a rejected tar ends the deploy without waiting for its sender", async () => {
    const bytes = tarOf([{ name: "../x", content: "x" }]);
    expect(await sent([bytes], { ends: false })).toBe(refused("'../x' leads out of the archive"));
  });

  test("a silent sender times out", async () => {
    const bytes = tarOf([page, { name: "a", content: "x" }]).subarray(0, 1200);
    expect(await sent([bytes], { ends: false, idleMs: 300 })).toBe(
      refused("limit reached: no content of a file arrived for 0.3 s"),
    );
  });

  test("a sender of nothing but headers times out", async () => {
    const header = pax([["comment", "x"]], "g");
    expect(await sent(endless(header), { ends: false, idleMs: 500 })).toBe(
      refused("limit reached: no content of a file arrived for 0.5 s"),
    );
  });

  test("a sender that keeps the pipe open after the end of the tar times out", async () => {
    expect(await sent([tarOf([page])], { ends: false, idleMs: 300 })).toBe(
      refused("limit reached: no content of a file arrived for 0.3 s"),
    );
  });

  test("a zip is rejected", async () => {
    expect(await sent([zipOf([page])], { ends: false })).toBe(
      refused("a zip is read from a file, not from stdin: name it as --source"),
    );
  });

  test("endless zeros are rejected", async () => {
    expect(await typed("cat /dev/zero | $deploy")).toBe(
      refused("limit reached: more than 16777216 bytes of zeros follow the end of the tar"),
    );
  });

  test("SIGKILL leaves what was unpacked to the next deploy, which removes it", async () => {
    const child = piped();
    child.stdin.write(tarOf([page, { name: "a", content: "x".repeat(100_000) }]).subarray(0, 50_000));
    child.stdin.flush();
    const half = `${host.root}/var/www/docs/.edox-ops-backups/demo/.unpacked/a`;
    while (!(await Bun.file(half).exists())) await Bun.sleep(10);
    child.kill("SIGKILL");
    await child.exited;
    expect(child.signalCode).toBe("SIGKILL");
    expect(await sent([tarOf([page])], { ends: true })).toBe("");
    expect(host.list("/var/www/docs/.edox-ops-backups/demo")).not.toContain(".unpacked");
  });
});

describe("deploy: a stdin that is no pipe:", () => {
  test("a file on stdin is published", async () => {
    writeFileSync(`${host.root}/a.tar`, tarOf([page]));
    expect(await typed("$deploy <a.tar")).toBe("");
    expect(host.text(`${live}/index.html`)).toBe("home");
  });

  const rows: [string, string, string][] = [
    ["a directory", "$deploy </etc", "stdin is a directory, not a tar"],
    ["nothing", "$deploy </dev/null", "it is empty"],
    ["a closed descriptor", "$deploy <&-", "it is empty"],
    ["a terminal", 'script -qec "$deploy" /dev/null </dev/null', "stdin is a terminal: pipe a tar into this command"],
  ];
  for (const [name, line, why] of rows) {
    test(`${name} on stdin is rejected`, async () => {
      expect(await typed(line)).toBe(refused(why));
    });
  }
});

test("a file with a lease of another process is rejected", async () => {
  writeFileSync(`${host.root}/srv/a`, tarOf([page]));
  // F_SETLEASE with F_WRLCK, fcntl(2).
  const lease =
    '$SIG{IO} = "IGNORE"; open F, "+<", $ARGV[0]; fcntl F, 1024, 1 or die $!; $| = 1; print "held\\n"; sleep 60';
  const holder = Bun.spawn(["perl", "-e", lease, `${host.root}/srv/a`], { stdout: "pipe" });
  try {
    await holder.stdout.getReader().read();
    expect(await typed("$deploy", "/srv/a")).toBe(
      "error: /srv/a is not published: another process holds a lease on /srv/a: try again when it is done\nhint: namei -l /srv/a\n",
    );
  } finally {
    holder.kill("SIGKILL");
    await holder.exited;
  }
});
