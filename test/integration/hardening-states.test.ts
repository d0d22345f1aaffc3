// Generated hosts that are hardened, with kills, reboots and power cuts inside: people with real keys, passwords and sudo
// show that nobody is locked out. `hardening-state.ts` has what is generated.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { suites } from "./base.ts";
import { addressOf, type Interruption, namesOffice, type State, script, stateOf } from "./hardening-state.ts";
import { type Admin, People } from "./people.ts";
import { figure, rounds } from "./rounds.ts";
import type { Ended } from "./run.ts";
import { TestHost } from "./test-host.ts";

const packages = "openssh-server openssh-client sudo ufw fail2ban unattended-upgrades logrotate nftables";
const service = "/etc/systemd/system/edox-ops-recover.service";
const rollbackLimitMs = 60_000;

const dirs = "ssh ufw default pam.d security sudoers.d fail2ban apt systemd logrotate.d edox-ops nginx cron.d";
const files = "passwd shadow group gshadow subuid subgid";
const save = `mkdir /saved; for each in ${dirs} ${files}; do cp -a /etc/$each /saved/ 2>/dev/null; done; true`;
const reset = `systemctl stop ssh.socket ssh.service fail2ban edox-ops-recover.timer edox-ops-recover.service 2>/dev/null
  for each in ${dirs} ${files}; do rm -rf /etc/$each; cp -a /saved/$each /etc/ 2>/dev/null; done
  rm -rf /home/* /root/.ssh /etc/nologin /run/nologin /var/lib/edox-ops /run/edox-ops /var/lib/fail2ban/*
  nft flush ruleset || exit; journalctl --quiet --rotate --vacuum-time=1ms 2>/dev/null
  systemctl daemon-reload; systemctl reset-failed`;

/** What a run must not change if it is undone, and what it must never change. */
const settings = listing("/etc/ssh /etc/ufw /etc/default/ufw", "-not -path '/etc/ssh/keys*'");
const keys = listing("/home/*/.ssh /root/.ssh /etc/ssh/keys", "-type f");
const remains = `grep -rsl edox-ops-probe /home/*/.ssh /root/.ssh /etc/ssh
  ls -A /run/edox-ops /var/lib/edox-ops/journal 2>/dev/null | grep -E 'probe|host|unconfirmed' | grep -v '^host.lock$'
  ls /etc/systemd/system /run/systemd/system | grep edox-ops-recover
  find /etc -name '*.edox-ops-new'
  ip -br link | grep probe; ip rule show table 4019; ip -6 rule show table 4019; pgrep -fa 'probe-ke[y]'; true`;

function listing(paths: string, only = ""): string {
  const found = `find $(ls -d ${paths} 2>/dev/null) ${only}`;
  return `${found} -printf '%p %y %m %U:%G %l\\n' | sort; ${found} -type f -print0 | sort -z | xargs -0r sha256sum`;
}

/** Returns the lines that only one of the texts has. */
function differing(before: string, after: string): string[] {
  const [one, other] = [before, after].map((text) => new Set(text.split("\n"))) as [Set<string>, Set<string>];
  const [gone, added] = [one.difference(other), other.difference(one)];
  return [...[...gone].map((line) => `- ${line}`), ...[...added].map((line) => `+ ${line}`)];
}

interface Run {
  code: number;
  before: Admin[];
  after: Admin[];
  isChanged: boolean;
}

/** Returns what is wrong. */
function faultsOf(state: State, run: Run): string[] {
  const { people, root, interruption } = state;
  const { command } = state.run;
  const { code, before, after, isChanged } = run;
  const isLost = ({ name }: Admin): boolean => !after.some((each) => each.name === name);
  /** Some lose their login on purpose: root and passwords by ssh-harden, and people elsewhere by --allow. */
  const mayLose = ({ name }: Admin): boolean => {
    const { hasPassword } = name === "root" ? root : people[name];
    return command.includes("@") || (/ssh-harden|all/.test(command) && (name === "root" || hasPassword));
  };
  const isOneStep = /^(?:ssh-harden|firewall|unharden \w)/.test(command);
  // The firewall can be the part that lets people in again.
  const isUndone = code !== 0 && interruption === null && (isOneStep || (before.length === 0 && after.length === 0));
  // On the console, a proof plays a stranger: it knows nothing of a network from which nobody got in before.
  const isOfNetwork = before.length === 0 && namesOffice(state);
  // What can only let more people in is no lock-out, where nobody got in before.
  const isExempt = isOfNetwork || (command.startsWith("unharden") && before.length === 0);
  return [
    ...(before.length > 0 && after.length === 0 ? ["everyone is locked out"] : []),
    ...(code === 0 && isChanged && after.length === 0 && !isExempt ? ["success, though nobody gets in"] : []),
    ...(isUndone && isChanged ? ["changed, though the run failed"] : []),
    ...before.filter((each) => code === 0 && isLost(each) && !mayLose(each)).map(({ name }) => `${name} is locked out`),
  ];
}

for (const suite of suites) {
  describe(`generated hosts on ${suite}`, () => {
    let host: TestHost;
    let people: People;
    /** How long a command took last, in milliseconds. */
    const durations = new Map<string, number>();

    const sh = (script: string): string => {
      const { code, stdout, stderr } = host.raw(["/bin/bash", "-c", script]);
      if (code !== 0) throw new Error(`${script} failed (${code})\n${stdout}${stderr}`);
      return stdout;
    };

    beforeAll(async () => {
      host = await TestHost.bare(suite, { commitSeconds: 1 });
      host.addIpv6(...Array.from({ length: 250 }, (_, n) => addressOf(n)));
      people = new People(host);
      sh(`apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends ${packages}
        systemctl disable --now fail2ban; ${save}`);
    });
    afterAll(() => {
      host?.down();
      people?.[Symbol.dispose]();
    });

    function start(state: State, operator: Admin | undefined): Promise<Ended> {
      const command = `edox-ops host ${state.run.command} --yes`;
      if (operator) return people.asRoot(state, operator, command).ended;
      return onConsole(command);
    }

    async function onConsole(command: string): Promise<Ended> {
      const argv = host.entering(["env", "-i", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]);
      const child = Bun.spawn([...argv, ...command.split(" ").filter(Boolean)], { stdio: ["ignore", "pipe", "pipe"] });
      const [code, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
      return { code, stdout, stderr };
    }

    async function interrupt({ kind, share }: Interruption, usualMs: number, isOver: () => boolean): Promise<void> {
      await Bun.sleep(share * usualMs);
      // At once, or when it has started.
      const kill = () => host.raw(["pkill", "-KILL", "-x", "edox-ops"]).code === 0;
      if (kind === "kill") while (!kill() && !isOver()) await Bun.sleep(20);
      else if (kind === "reboot") await host.reboot();
      else await host.powerCut();
      // A kernel forgets these with its end, and the network namespace of a test host outlives it.
      if (kind !== "kill") sh("ip rule flush table 4019; ip -6 rule flush table 4019; true");
      const isArmed = () => host.raw(["test", "-e", service]).code === 0;
      // Its deadline is minutes later.
      if (kind === "kill" && isArmed()) host.raw(["systemctl", "start", "edox-ops-recover.service"]);
      for (const end = Date.now() + rollbackLimitMs; isArmed() && Date.now() < end; ) await Bun.sleep(100);
      // Before a step is armed, only a proof leaves something.
      if (!isArmed()) await onConsole("edox-ops recover");
    }

    for (const round of rounds(suite === "bookworm" ? 2 : 1, 250)) {
      const state = stateOf(`${suite} ${round}`);
      const { run, interruption } = state;
      const inside = interruption ? `, with a ${interruption.kind} inside` : "";

      test(`host ${run.command.trim()}: locks nobody out${inside}, ${round}`, async () => {
        sh(reset);
        const made = host.raw(["/bin/bash", "-c", script(state, people.keys, people.hash)]);
        if (made.code !== 0) throw new Error(`not made: ${made.stderr}${sh("sshd -t 2>&1; journalctl -u ssh | tail")}`);
        if (run.first) await onConsole(`edox-ops host ${run.first} --yes`);
        const [before, settingsBefore, keysBefore] = [await people.admins(state), sh(settings), sh(keys)];
        host.sync();

        const begun = performance.now();
        const name = run.command.split(" ").slice(0, 2).join(" ");
        const ending = start(state, state.isInSession ? before[0] : undefined);
        let isOver = false;
        ending.finally(() => (isOver = true));
        if (interruption) await interrupt(interruption, durations.get(name) ?? 3000, () => isOver);
        const { code, stdout, stderr } = await ending;
        if (!interruption) durations.set(name, performance.now() - begun);

        const after = await people.admins(state);
        // A client of a killed proof ends after seconds.
        if (interruption?.kind === "kill")
          for (let polls = 0; polls < 30 && sh(remains) !== ""; polls++) await Bun.sleep(500);
        const isChanged = sh(settings) !== settingsBefore;
        const faults = [
          ...faultsOf(state, { code, before, after, isChanged }),
          ...differing(keysBefore, sh(keys)),
          ...sh(remains).split("\n").filter(Boolean),
        ];
        expect({ faults, ...(faults.length > 0 && { code, before, after, stdout, stderr, state }) }).toEqual({
          faults: [],
        });
        const found = `${before.length > 0 ? "an admin" : "nobody"} before, exit code ${code}`;
        figure(`host ${run.command.split(" ")[0]}${inside}`, suite, interruption?.share ?? 0, found);
      });
    }
  });
}
