// Measures `bootstrap --bundle` on bare hosts without a network, beside apt with the same packages in a directory.

import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { packages } from "../src/bootstrap/recipe.ts";
import { openBundle } from "../src/bundle/reader.ts";
import { localHost } from "../src/host/local.ts";
import { must } from "../test/integration/run.ts";
import { TestHost } from "../test/integration/test-host.ts";
import { expect } from "./bench-host.ts";
import { compared, comparedHead } from "./bundle-files.ts";
import { table } from "./table.ts";
import { peakOf, type Ran } from "./watched.ts";

interface Inputs {
  small: string;
  large: string;
  rounds: number;
}

const bundlePath = "/srv/host.tar";
const bootstrap = "edox-ops bootstrap --yes";
const withBundle = `${bootstrap} --bundle ${bundlePath}`;
/** The same packages from the same indexes; then edox-ops does what apt does not. */
const aptFirst = `export DEBIAN_FRONTEND=noninteractive
apt-get -q update && apt-get -q -y install ${packages.join(" ")} && ${bootstrap}`;

/** Returns a host without a network that has the bundle, or its repositories unpacked as the source of apt. */
async function darkHost(bundle: string, isUnpacked: boolean): Promise<TestHost> {
  const host = await TestHost.dark("bookworm");
  if (!isUnpacked) {
    must(["cp", bundle, `${host.root}${bundlePath}`]);
    return host;
  }
  mkdirSync(`${host.root}/srv/mirror`);
  must(["tar", "-C", `${host.root}/srv/mirror`, "-xf", bundle, "repo"]);
  for (const name of readdirSync(`${host.root}/etc/apt/sources.list.d`)) {
    must(["rm", `${host.root}/etc/apt/sources.list.d/${name}`]);
  }
  const opened = openBundle(localHost(), bundle);
  const lines = opened.manifest.repositories.map(({ name, suite }) => {
    return `deb [check-valid-until=no] file:/srv/mirror/repo/${name} ${suite} main\n`;
  });
  opened.close();
  writeFileSync(`${host.root}/etc/apt/sources.list`, lines.join(""));
  return host;
}

/** Runs a script on the host, and returns the time that bash measured there. */
function timedOn(host: TestHost, script: string): Ran {
  const inner = `TIMEFORMAT='times %R %U %S'; time { ${script}; } >/run/bench-out 2>&1 || { cat /run/bench-out; exit 1; }`;
  const { code, stdout, stderr } = host.raw(["/bin/bash", "-c", inner]);
  const [, real, user, system] = /^times (\S+) (\S+) (\S+)$/m.exec(stderr) ?? [];
  if (code !== 0 || real === undefined) throw new Error(`${script} ended with ${code}\n${stdout}${stderr}`);
  return { ms: Number(real) * 1000, cpu: (Number(user) + Number(system)) * 1000, stdout };
}

/** Returns the tables of an installation, and the peak memory with the large bundle. */
export async function installed({ small, large, rounds }: Inputs): Promise<{ text: string; peak: number }> {
  const all = new Map<string, Ran[]>([
    ["apt-get update, install, bootstrap", []],
    ["bootstrap --bundle", []],
  ]);
  for (let round = 0; round < rounds; round++) {
    for (const [name, runs] of all) {
      const isUnpacked = name !== "bootstrap --bundle";
      using host = await darkHost(small, isUnpacked);
      runs.push(timedOn(host, isUnpacked ? aptFirst : withBundle));
    }
  }
  const { peak, rows } = await disk(large);
  const tables = [
    table([comparedHead, ...compared(all, { "bootstrap --bundle": 1.1 })]),
    table([["extra disk of bootstrap --bundle", "MB", "× .deb files", "× installed"], ...rows]),
  ];
  return { text: tables.join("\n"), peak };
}

/** Installs from the large bundle and watches what the run stores beside the packages that it installs. */
async function disk(large: string): Promise<{ peak: number; rows: string[][] }> {
  using host = await darkHost(large, false);
  const statusOf = (): string => readFileSync(`${host.root}/var/lib/dpkg/status`, "utf8");
  const before = versionsIn(statusOf());
  const places = ["/var/lib/edox-ops/bundle", "/var/lib/apt/lists", "/var/cache/apt"];
  const base = places.map((place) => sizeOf(host.root + place));
  let most = places.map(() => 0);
  let mostTotal = 0;
  const look = (): void => {
    const now = places.map((place, index) => sizeOf(host.root + place) - (base[index] ?? 0));
    most = most.map((each, index) => Math.max(each, now[index] ?? 0));
    mostTotal = Math.max(
      mostTotal,
      now.reduce((sum, each) => sum + each, 0),
    );
  };
  const peak = await peakOf(host.entering(["/usr/local/bin/edox-ops", ...withBundle.split(" ").slice(1)]), look);
  const opened = openBundle(localHost(), large);
  const { manifest } = opened;
  opened.close();
  const after = versionsIn(statusOf());
  const sizes = new Map(manifest.members.map(({ path, size }) => [path, size]));
  const added = manifest.packages.filter(({ name, version }) => {
    return after.get(name) === version && before.get(name) !== version;
  });
  const packed = added.reduce((sum, { path }) => sum + (sizes.get(path) ?? 0), 0);
  const unpacked = added.reduce((sum, { installedBytes }) => sum + installedBytes, 0);
  const row = (name: string, bytes: number): string[] => {
    return [name, (bytes / 1e6).toFixed(1), (bytes / packed).toFixed(2), (bytes / unpacked).toFixed(2)];
  };
  expect(host.sh("test ! -e /var/lib/edox-ops/bundle"));
  return {
    peak,
    rows: [
      row(`the ${added.length} installed packages, as .deb files`, packed),
      row("the same, installed", unpacked),
      ...places.map((place, index) => row(`peak of ${place}`, most[index] ?? 0)),
      row("peak of all three together", mostTotal),
      row("left afterwards: kept indexes", sizeOf(`${host.root}/var/lib/edox-ops`)),
    ],
  };
}

function versionsIn(status: string): Map<string, string> {
  const paragraphs = status
    .split("\n\n")
    .map((each) => [/^Package: (.*)$/m, /^Version: (.*)$/m].map((field) => field.exec(each)?.[1] ?? ""));
  return new Map(paragraphs.map(([name = "", version = ""]) => [name, version]));
}

/** Returns the bytes of the regular files in a directory. Files may vanish while it is read. */
function sizeOf(path: string): number {
  try {
    const stat = lstatSync(path);
    if (stat.isFile()) return stat.size;
    if (!stat.isDirectory()) return 0;
    return readdirSync(path).reduce((sum, name) => sum + sizeOf(`${path}/${name}`), 0);
  } catch {
    return 0;
  }
}
