// OpenPGP keys of the package repositories in tests, and signatures by them.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { must } from "./run.ts";

export type SigningKey = "good" | "foreign";

/** The creation time of the keys. They were valid for a month and then prolonged, like the real ones. */
const birth = "20250101T000000!";
/** gpg cannot prolong a subkey that has expired. */
const prolonged = "20250115T000000!";

/**
 * Writes into `dir`: good.asc, foreign.asc, expired.asc, which is the good key before it was prolonged, *.secret to
 * sign with, and the good key's fingerprint. `withSubkey` creates a primary key that only certifies, with a subkey that
 * signs, like Docker's.
 */
export function makeKeys(dir: string, withSubkey: boolean): void {
  mkdirSync(dir, { mode: 0o700 });
  for (const name of ["good", "foreign"] as const) {
    inKeyring((gpg) => {
      const user = `A ${name} key for tests <${name}@localhost>`;
      const born = ["--faked-system-time", birth];
      gpg(...born, "--quick-generate-key", user, "rsa2048", withSubkey ? "cert" : "sign,cert", "30d");
      const print = /^fpr:+(\w+):/m.exec(gpg("--with-colons", "--list-keys"))?.[1] ?? "";
      if (withSubkey) gpg(...born, "--quick-add-key", print, "rsa2048", "sign", "30d");
      const write = (file: string, command: string) => writeFileSync(`${dir}/${file}`, gpg("--armor", command));
      if (name === "good") write("expired.asc", "--export");
      const later = ["--faked-system-time", prolonged];
      gpg(...later, "--quick-set-expire", print, "20y");
      if (withSubkey) gpg(...later, "--quick-set-expire", print, "20y", "*");
      write(`${name}.asc`, "--export");
      write(`${name}.secret`, "--export-secret-keys");
      if (name === "good") writeFileSync(`${dir}/fingerprint`, `${print}\n`);
    });
  }
}

/** Writes InRelease and Release.gpg beside a Release. */
export function sign(dir: string, key: SigningKey, release: string): void {
  inKeyring((gpg) => {
    gpg("--import", `${dir}/${key}.secret`);
    gpg("--clearsign", "--output", release.replace(/Release$/, "InRelease"), release);
    gpg("--armor", "--detach-sign", "--output", `${release}.gpg`, release);
  });
}

/** The path of a keyring must be short, because the socket of its agent is inside. */
function inKeyring(work: (gpg: (...words: string[]) => string) => void): void {
  const home = mkdtempSync("/tmp/gpg-");
  try {
    work((...words) => must(["gpg", "--homedir", home, "--batch", "--quiet", "--yes", "--passphrase", "", ...words]));
  } finally {
    must(["gpgconf", "--homedir", home, "--kill", "all"]);
    rmSync(home, { recursive: true, force: true });
  }
}
