// Hints of `bundle create`, which are typed on the test machine.

import { collectImages } from "../../src/bundle/create/images.ts";
import { fetchIndexes } from "../../src/bundle/create/indexes.ts";
import { signingKey } from "../../src/bundle/create/signing-key.ts";
import { distributionSources } from "../../src/bundle/create/sources.ts";
import { takeInventory } from "../../src/bundle/inventory.ts";
import { gatherFacts } from "../../src/engine/facts.ts";
import { localTrees } from "../../src/host/local-trees.ts";
import { Problem } from "../../src/problem/problem.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, fakeHost } from "../fake-host.ts";
import type { MachineCase } from "./machine-cases.ts";

const target = { family: "debian", codename: "bookworm", architecture: "amd64" } as const;
const keyPath = "/tmp/edox-ops-hint-key.pem";
/** Lets apt read only the installed packages. */
const withoutLists = {
  before: `export APT_CONFIG=$(mktemp); echo 'Dir::State::Lists "/none";' >$APT_CONFIG`,
  afterwards: "rm $APT_CONFIG",
};

async function hintOf(act: () => unknown): Promise<readonly string[]> {
  try {
    await act();
    return [];
  } catch (error) {
    return Problem.of(error).hint ?? [];
  }
}

function keyHost(mode: number): FakeHost {
  const host = fakeHost();
  host.put(keyPath, "x", { mode });
  return host;
}

/** A host with fetched lists, on which no program is installed that unpacks them. */
function listHost(): FakeHost {
  const host = fakeHost();
  const name = "main/binary-amd64/Packages.xz";
  const digest = new Bun.CryptoHasher("sha256").update("").digest("hex");
  host.put("/c/plain/d_dists_bookworm_InRelease", `SHA256:\n ${digest} 0 ${name}\n`);
  host.put(`/c/lists/d_dists_bookworm_${name.replaceAll("/", "_")}`, "");
  host.taught.push(() => ({ code: 127, stdout: "", stderr: "" }));
  return host;
}

export const createCases: MachineCase[] = [
  {
    of: 'bundle/inventory.ts ["cat", "/etc/os-release"]',
    hint: () => hintOf(() => takeInventory(fakeHost())),
    shows: "ID=",
  },
  {
    of: 'bundle/create/signing-key.ts ["chmod", "600", path]',
    before: `touch ${keyPath}; chmod 644 ${keyPath}`,
    hint: () => hintOf(() => signingKey(keyHost(0o644), keyPath)),
    afterwards: `stat -c %a ${keyPath}; rm ${keyPath}`,
    shows: "600",
  },
  {
    of: 'bundle/create/signing-key.ts ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path]',
    hint: () => hintOf(() => signingKey(keyHost(0o600), keyPath)),
    afterwards: `cat ${keyPath}; rm ${keyPath}`,
    shows: "BEGIN EC PRIVATE KEY",
  },
  {
    of: 'bundle/create/sources.ts ["sudo", "apt-get", "install", keyring.package]',
    ...withoutLists,
    hint: () => hintOf(() => distributionSources(fakeDebian(), gatherFacts(fakeDebian()), target)),
    shows: "debian-archive-keyring",
  },
  {
    of: 'bundle/create/images.ts ["sudo", "apt-get", "install", "skopeo"]',
    ...withoutLists,
    hint: () => {
      const host = fakeHost();
      host.taught.push(() => ({ code: 127, stdout: "", stderr: "" }));
      return hintOf(() =>
        collectImages(host, ["alpine"], { target, dir: "/i", variables: {}, onFetch: () => undefined }),
      );
    },
    shows: "skopeo",
  },
  {
    of: 'bundle/create/indexes.ts ["sudo", "apt-get", "install", "xz-utils"]',
    ...withoutLists,
    hint: () => {
      const plain = "/c/plain";
      const index = "main/binary-amd64/Packages";
      const target = `http://d/dists/bookworm/|${index}|main|${plain}/d_dists_bookworm_${index.replaceAll("/", "_")}`;
      const dirs = { lists: "/c/lists", plain, partial: "/c/lists/partial", archives: "/c/a", empty: "/c/e" };
      const apt = { ...dirs, run: async () => target };
      const source = { name: "d", uri: "http://d", suite: "bookworm", components: ["main"], keyPath: "/k", key: null };
      return hintOf(() => fetchIndexes(listHost(), localTrees("/none"), apt, [source]));
    },
    shows: "xz-utils",
  },
];
