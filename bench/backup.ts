// Compares a backup over SSH with rsync of the same site: the bytes that are sent, and the time. Makes two test hosts, and
// installs restic and rsync from Debian. Needs root, a built program and an otherwise idle machine.
//   bun bench/backup.ts [SUITE] [ROUNDS]

import { cpus, loadavg } from "node:os";
import type { Suite } from "../test/integration/base.ts";
import { bootstrapped } from "../test/integration/bootstrapped.ts";
import { TestHost } from "../test/integration/test-host.ts";
import { withSsh } from "../test/integration/with-ssh.ts";
import { expect } from "./bench-host.ts";
import { build, type Size } from "./sites.ts";
import { atMost, type Goal, median, type Row, table } from "./table.ts";

const suite = (process.argv[2] ?? "trixie") as Suite;
const rounds = Number(process.argv[3] ?? 5);
const site: Size = { files: 19_800, bytes: 300_000_000, folders: 730, every: 100, text: true };
const live = "/var/www/docs/demo";

interface Run {
  ms: number;
  /** The bytes that the host sent, with everything of SSH. */
  sent: number;
}

/** The ways to bring the site to the other host. */
const ways = [
  { name: "`edox-ops backup run`", line: () => "edox-ops backup run --quiet" },
  { name: "`rsync -a --whole-file`", line: (to: string) => `rsync -a --delete --whole-file ${live}/ ${to}/whole/` },
  { name: "`rsync -az`", line: (to: string) => `rsync -az --delete ${live}/ ${to}/packed/` },
];

function measured(host: TestHost, line: string): Run {
  const sent = "cat /sys/class/net/host0/statistics/tx_bytes";
  const [before = 0, start = 0, end = 0, after = 0] = expect(
    host.sh(`${sent}; date +%s%3N; ${line} >/dev/null && date +%s%3N && ${sent}`),
  )
    .split("\n")
    .map(Number);
  return { ms: end - start, sent: after - before };
}

/** Runs each way once, in another order each time. */
function turn(host: TestHost, to: string, round: number): Run[] {
  const found: Run[] = [];
  for (let i = 0; i < ways.length; i++) {
    const index = (i + round) % ways.length;
    found[index] = measured(host, ways[index]?.line(to) ?? "");
  }
  return found;
}

function print(title: string, all: readonly Run[][], goalsOf: (ours: Run, others: readonly Run[]) => Goal[]): void {
  const medians = ways.map((_, i): Run => {
    const of = (key: keyof Run) => median(all.map((each) => each[i]?.[key] ?? Number.NaN));
    return { ms: of("ms"), sent: of("sent") };
  });
  const [ours, ...others] = medians as [Run, ...Run[]];
  const rows: Row[] = [["", "runs", "median ms", "min to max", "MB sent", "bytes, ours ×", "goal"]];
  for (const [i, { name }] of ways.entries()) {
    const [run, times] = [medians[i] as Run, all.map((each) => each[i]?.ms ?? Number.NaN)];
    rows.push([
      name,
      String(all.length),
      run.ms.toFixed(0),
      `${Math.min(...times)} to ${Math.max(...times)}`,
      (run.sent / 1e6).toFixed(2),
      i === 0 ? "" : (ours.sent / run.sent).toFixed(2),
      i === 0
        ? goalsOf(ours, others)
            .map(({ text, met }) => `${text}: ${met ? "met" : "missed"}`)
            .join("; ")
        : "",
    ]);
  }
  console.log(`\n${title} (load ${loadavg()[0]?.toFixed(1)})\n\n${table(rows)}`);
}

const hosts: TestHost[] = [];
try {
  const nas = await TestHost.up(suite, { state: await withSsh(suite) });
  hosts.push(nas);
  const host = await bootstrapped(suite);
  hosts.push(host);
  const install = "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends";
  expect(nas.sh(`${install} rsync`));
  expect(host.sh(`${install} rsync restic openssh-client`));
  const key = expect(
    host.sh("mkdir -p -m 0700 ~/.ssh; ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519; cat ~/.ssh/*.pub"),
  );
  expect(nas.sh(`mkdir -p -m 0700 ~/.ssh /srv/whole /srv/packed; echo '${key.trim()}' >>~/.ssh/authorized_keys`));
  expect(host.sh(`ssh-keyscan ${nas.address} >>~/.ssh/known_hosts 2>/dev/null`));
  const to = `root@${nas.address}:/srv`;
  expect(host.sh(`edox-ops backup init --repo sftp:${to}/backup --generate --yes`));
  const change = (version: number): void => {
    build(`${host.root}/srv/site`, version, site);
    const words = version === 0 ? "publish demo --domain demo.test --source" : "deploy demo";
    expect(host.sh(`edox-ops project ${words} /srv/site --quiet`));
  };
  console.log(
    `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${expect(host.sh("restic version; rsync -V")).split("\n", 2)}`,
  );
  change(0);
  print("The first run, 300 MB in 19,800 files", [turn(host, to, 0)], () => []);
  const [same, changed]: [Run[][], Run[][]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    same.push(turn(host, to, round));
    change(round + 1);
    changed.push(turn(host, to, round));
  }
  print("Nothing changed", same, ({ ms }) => [atMost("ms", ms, 2000)]);
  print("1 % of the files changed", changed, ({ sent }, [whole]) => {
    return [atMost("× the bytes of rsync", sent / (whole?.sent ?? Number.NaN), 1.1)];
  });
} finally {
  for (const each of hosts) each.down();
}
