import { expect, test } from "bun:test";
import { failedFiles, failedSources } from "../../src/apt/output.ts";

const sources = ["http://deb.test/debian x", "http://deb.test/debian x-updates"];

test("apt sources: an unreachable source is reported with the network's error, not with apt's guess", () => {
  for (const has of ["does not have", "no longer has"]) {
    const reason = "Cannot initiate the connection to deb.test:80 (192.0.2.1). - connect (101: Network is unreachable)";
    const stdout = sources
      .map((name, i) => `Ign:${i} ${name} InRelease\nErr:${i} ${name} Release\n  ${reason}\n`)
      .join("");
    const stderr = sources.map((name) => `E: The repository '${name} Release' ${has} a Release file.\n`).join("");
    expect(failedSources({ code: 100, stdout, stderr })).toEqual([
      `Failed to fetch http://deb.test/debian/dists/x/Release and 1 more: ${reason}`,
    ]);
  }
});

test("apt sources: a web page in place of a list is reported once, with its reason", () => {
  const reason = "Clearsigned file isn't valid, got 'NOSPLIT' (does the network require authentication?)";
  const stdout = `Err:1 ${sources[0]} InRelease\n  ${reason}\n`;
  const stderr = `E: The repository '${sources[0]} InRelease' is not signed.
E: Failed to fetch http://deb.test/debian/dists/x/InRelease  ${reason}
E: Some index files failed to download. They have been ignored, or old ones used instead.
`;
  expect(failedSources({ code: 100, stdout, stderr })).toEqual([
    `Failed to fetch http://deb.test/debian/dists/x/InRelease: ${reason}`,
  ]);
});

test("apt sources: an error without a separate reason is reported verbatim", () => {
  const said = "The repository 'http://deb.test/debian x Release' does not have a Release file.";
  const advice = "W: Key is stored in legacy trusted.gpg";
  expect(failedSources({ code: 100, stdout: "", stderr: `E: ${said}\n${advice}\n` })).toEqual([said]);
});

test("apt packages: a package with a wrong size is reported in a short sentence, however long apt's output is", () => {
  const address = "http://deb.test/pool/git_1_amd64.deb";
  const size = "File has unexpected size (95 != 7264380)";
  const guess = `${size}. Mirror sync in progress?`;
  const stderr = (reason: string) => `E: Failed to fetch ${address}  ${reason} [IP: 192.0.2.1 80]
   Hashes of expected file:
E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?
`;
  expect(failedFiles({ code: 100, stdout: "", stderr: stderr(guess) })).toEqual([
    `Failed to fetch ${address}: ${size}`,
  ]);
  const [endless = ""] = failedFiles({ code: 100, stdout: "", stderr: stderr(`${guess} `.repeat(10_000)) });
  expect(endless).toStartWith(`Failed to fetch ${address}: ${size}`);
  expect(endless.length).toBeLessThan(300);
});

test("apt sources: files with the same failure share a sentence, and missing keys have one each", () => {
  const stderr = `E: Failed to fetch http://a.test/x  File has unexpected size (95 != 7264380)
E: Failed to fetch http://b.test/x  File has unexpected size (95 != 6924)
W: GPG error: http://a.test x InRelease: NO_PUBKEY 1111111111111111
W: GPG error: http://a.test x InRelease: NO_PUBKEY 2222222222222222
`;
  expect(failedSources({ code: 100, stdout: "", stderr })).toEqual([
    "Failed to fetch http://a.test/x and 1 more: File has unexpected size (95 != 7264380)",
    "GPG error: http://a.test x InRelease: NO_PUBKEY 1111111111111111",
    "GPG error: http://a.test x InRelease: NO_PUBKEY 2222222222222222",
  ]);
});
