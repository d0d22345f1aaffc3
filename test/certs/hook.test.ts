// Runs the renewal hook in the shells that may be /bin/sh, with an nginx and a systemctl of the test.

import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { renewalsDir } from "../../src/certs/paths.ts";
import { hookResult, hookText } from "../../src/certs/renewal/hook.ts";
import { fakeHost } from "../fake-host.ts";

const root = mkdtempSync(`${tmpdir()}/edox-hook-`);
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;

interface Options {
  shell?: string;
  lineage?: string;
  nginx?: string;
  systemctl?: string;
  /** Prepares the directory of the results. */
  before?(results: string): void;
}

/** Runs the hook in a directory of its own, and returns its result and what it recorded. */
function hook({ shell = "dash", lineage, nginx = "exit 0", systemctl = "exit 0", before }: Options = {}) {
  const dir = `${root}/${count++}`;
  const results = `${dir}/lib/renewals`;
  mkdirSync(`${dir}/bin`, { recursive: true });
  for (const [name, script] of Object.entries({ nginx, systemctl })) {
    writeFileSync(`${dir}/bin/${name}`, `#!/bin/sh\necho "$0 $*" >>${dir}/ran\n${script}\n`);
    chmodSync(`${dir}/bin/${name}`, 0o755);
  }
  before?.(results);
  const text = hookText.replaceAll(renewalsDir, results).replace("PATH=", `PATH=${dir}/bin:`);
  const env = lineage === undefined ? {} : { RENEWED_LINEAGE: lineage };
  const { exitCode, stderr } = Bun.spawnSync([shell, "-c", text], { env });
  const names = statSync(results, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(results) : [];
  const recorded = names.map((name) => [name, readFileSync(`${results}/${name}`, "utf8")]);
  const ran = existsSync(`${dir}/ran`)
    ? readFileSync(`${dir}/ran`, "utf8").replaceAll(`${dir}/bin/`, "").trim().split("\n")
    : [];
  return {
    exit: exitCode,
    stderr: stderr.toString(),
    recorded: Object.fromEntries(recorded) as Record<string, string>,
    ran,
  };
}

const live = "/etc/letsencrypt/live";

describe("renewal hook", () => {
  test.each(["dash", ...(Bun.which("bash") ? ["bash"] : [])])(
    "%s: nginx is tested and reloaded, and the result is recorded",
    (shell) => {
      expect(hook({ shell, lineage: `${live}/docs.test` })).toEqual({
        exit: 0,
        stderr: "",
        recorded: { "docs.test": expect.stringMatching(/^reloaded \d{10}\n$/) },
        ran: ["nginx -t -q", "systemctl try-reload-or-restart nginx"],
      });
      const failed = hook({
        shell,
        lineage: `${live}/docs.test`,
        nginx: "printf 'nginx: [emerg] bogus\\nin a file\\n' >&2; exit 1",
      });
      expect(failed).toEqual({
        exit: 1,
        stderr: "nginx: [emerg] bogus\nin a file\n",
        recorded: { "docs.test": expect.stringMatching(/^failed \d{10} nginx: \[emerg\] bogus in a file\n$/) },
        ran: ["nginx -t -q"],
      });
    },
  );

  test("a reload that fails is recorded with its reason", () => {
    const { exit, recorded } = hook({ lineage: `${live}/a`, systemctl: "echo Job failed >&2; exit 1" });
    expect([exit, recorded.a]).toEqual([1, expect.stringMatching(/^failed \d+ Job failed\n$/)]);
  });

  test.each([
    ["a slash at its end", `${live}/a.test/`, ["a.test"]],
    ["a space and an asterisk", `${live}/a *`, ["a *"]],
    ["a quote and an expansion", `${live}/a'"$(exit)`, [`a'"$(exit)`]],
    ["a hyphen at its start", `${live}/-rf`, ["-rf"]],
    ["no name", "/", []],
    ["none at all", undefined, []],
  ])("a lineage with %s reloads nginx", (_, lineage, names) => {
    const { exit, stderr, recorded, ran } = hook({ ...(lineage !== undefined && { lineage }) });
    expect({ exit, stderr, names: Object.keys(recorded), reloads: ran.length }).toEqual({
      exit: 0,
      stderr: "",
      names,
      reloads: 2,
    });
  });

  test("a full disk keeps the former result, and nginx is reloaded", () => {
    const { exit, stderr, recorded, ran } = hook({
      lineage: `${live}/a`,
      before(results) {
        mkdirSync(results, { recursive: true });
        writeFileSync(`${results}/a`, "reloaded 1\n");
        symlinkSync("/dev/full", `${results}/a.new`);
      },
    });
    expect([exit, /I\/O error|No space left/.test(stderr), recorded, ran.length]).toEqual([
      0,
      true,
      { a: "reloaded 1\n" },
      2,
    ]);
  });

  test("a record that cannot be written does not stop the reload", () => {
    const { exit, ran } = hook({
      lineage: `${live}/a`,
      before(results) {
        mkdirSync(results.replace(/\/renewals$/, ""), { recursive: true });
        writeFileSync(results, "a file in the place of the directory");
      },
    });
    expect([exit, ran.length]).toEqual([0, 2]);
  });

  test("a result is read back, and a damaged one is none", () => {
    const host = fakeHost();
    const read = (text: string) => {
      host.put(`${renewalsDir}/a`, text);
      return hookResult(host, "a");
    };
    expect(read("reloaded 1800000000\n")).toEqual({ result: "reloaded", at: 1_800_000_000_000, reason: "" });
    expect(read("failed 1800000000 no \u001b[31mway\n")?.reason).toBe("no way");
    for (const text of ["", "\0\0\0", "reloaded\n", "reloaded soon\n", "other 1800000000\n"])
      expect(read(text)).toBeNull();
    expect(hookResult(host, "b")).toBeNull();
    host.dir(`${renewalsDir}/directory`);
    expect(hookResult(host, "directory")).toBeNull();
  });
});
