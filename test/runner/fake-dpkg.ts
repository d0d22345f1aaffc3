// A fake apt and dpkg over the status file of the fake Debian: states, holds, and versions whose scripts fail.

import type { Output } from "../../src/host/host.ts";
import { type FakeHost, ok } from "../fake-host.ts";

const statusPath = "/var/lib/dpkg/status";
const installed = "install ok installed";

export interface FakeDpkg {
  /** The version in the repository. */
  offered: string;
  /** Versions of gitlab-runner whose postinst fails. */
  broken: Set<string>;
  /** Other packages whose postinst fails. */
  failing: Set<string>;
  /** The packages whose postinst has run, in order. */
  scripts: string[];
  /** Returns the Status field of a package, or null if dpkg does not know it. */
  get(name: string): string | null;
  /** Sets Status and Version. Null removes the package. */
  set(name: string, status: string | null, version?: string): void;
  version(name: string): string | null;
}

/** Handles apt-get and dpkg on this host. */
export function fakeDpkg(host: FakeHost): FakeDpkg {
  const paragraphs = (): string[] => (host.text(statusPath) ?? "").split("\n\n").filter(Boolean);
  const paragraph = (name: string): string => paragraphs().find((each) => each.startsWith(`Package: ${name}\n`)) ?? "";
  const dpkg: FakeDpkg = {
    offered: "2",
    broken: new Set(),
    failing: new Set(),
    scripts: [],
    get: (name) => /^Status: (.+)$/m.exec(paragraph(name))?.[1] ?? null,
    version: (name) => /^Version: (.+)$/m.exec(paragraph(name))?.[1] ?? null,
    set(name, status, version = dpkg.version(name) ?? dpkg.offered) {
      const others = paragraphs().filter((each) => !each.startsWith(`Package: ${name}\n`));
      const own = status === null ? [] : [`Package: ${name}\nStatus: ${status}\nVersion: ${version}`];
      host.put(statusPath, [...others, ...own].map((each) => `${each.trim()}\n\n`).join(""));
    },
  };
  const unfinished = (): string[] =>
    paragraphs().flatMap((each) => {
      const [, name = "", state = ""] = /^Package: (.+)\nStatus: \S+ (.+)$/m.exec(each) ?? [];
      return ["ok installed", "ok config-files"].includes(state) ? [] : [name];
    });

  /** Configures pending packages. A partly unpacked package is skipped, because it must be unpacked again. */
  function configure(): Output {
    const failed: string[] = [];
    for (const name of unfinished()) {
      const [selection = "", flag] = (dpkg.get(name) ?? "").split(" ");
      const isBroken = name === "gitlab-runner" && dpkg.broken.has(dpkg.version(name) ?? "");
      const fails = flag === "reinstreq" || isBroken || dpkg.failing.has(name);
      if (flag !== "reinstreq") dpkg.scripts.push(name);
      if (fails) failed.push(name);
      else dpkg.set(name, `${selection} ok installed`);
      if (fails && flag !== "reinstreq") dpkg.set(name, `${selection} ok half-configured`);
    }
    if (failed.length === 0) return ok("Setting up\n");
    const errors = failed.map((name) => `dpkg: error processing package ${name} (--configure):\n`);
    const list = failed.map((name) => ` ${name}\n`).join("");
    return { code: 1, stdout: "", stderr: `${errors.join("")}Errors were encountered while processing:\n${list}` };
  }

  function install(words: readonly string[], purges: boolean, again: boolean): Output {
    const names = words.map((word) => word.replace(/-$/, ""));
    const changes = (name: string): boolean => words.includes(`${name}-`) || dpkg.version(name) !== dpkg.offered;
    if (names.some((name) => dpkg.get(name)?.startsWith("hold ") && changes(name))) {
      const stderr = "E: Held packages were changed and -y was used without --allow-change-held-packages.\n";
      return { code: 100, stdout: "", stderr };
    }
    const bad = names.find((name) => words.includes(`${name}-`) && dpkg.get(name)?.includes(" reinstreq "));
    if (bad !== undefined)
      return { code: 100, stdout: "", stderr: `dpkg: error processing package ${bad} (--remove)\n` };
    for (const word of words) {
      const name = word.replace(/(-|:\w+)$/, "");
      const state = dpkg.get(name);
      if (word.endsWith("-")) {
        if (purges) dpkg.set(name, null);
        else if (state !== null) dpkg.set(name, "deinstall ok config-files");
      } else if (again || state !== installed || dpkg.version(name) !== dpkg.offered) {
        dpkg.set(name, "install ok unpacked", dpkg.offered);
      }
    }
    const { code, stderr } = configure();
    if (code === 0) return ok();
    return { code: 100, stdout: "", stderr: `${stderr}E: Sub-process /usr/bin/dpkg returned an error code (1)\n` };
  }

  host.taught.unshift((argv) => {
    if (argv[0] === "dpkg" && argv[1] === "--configure") return configure();
    if (argv[0] !== "apt-get" || !argv.includes("install")) return undefined;
    const words = argv.slice(argv.lastIndexOf("install") + 1).filter((word) => !word.startsWith("--"));
    if (argv.includes("--only-upgrade")) {
      if (words.some((name) => dpkg.get(name)?.startsWith("hold "))) return install(words, false, false);
      const older = words.filter((name) => dpkg.version(name) !== dpkg.offered);
      return ok(older.map((name) => `Inst ${name} [${dpkg.version(name)}] (${dpkg.offered} x)\n`).join(""));
    }
    if (argv.includes("--simulate")) return ok();
    return install(words, argv.includes("--purge"), argv.includes("--reinstall"));
  });
  return dpkg;
}
