// Has systemd roll a step back if its run is killed. The service is enabled, so that it also runs after a boot. The
// timer starts it at the deadline, and a boot removes the timer.

import type { Host } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { Problem } from "../problem/problem.ts";
import { demandPermanent } from "../problem/roots-alone.ts";
import { nameOf, parentOf } from "../text/path.ts";
import { runOrThrow } from "./apply.ts";
import { root, Text } from "./change.ts";
import { recoverServicePath, recoverTimerPath, unconfirmedPath } from "./paths.ts";

const service = nameOf(recoverServicePath);
const timer = nameOf(recoverTimerPath);
const linkPath = `/etc/systemd/system/multi-user.target.wants/${service}`;
const header = "# Written by edox-ops, which removes it when the step has ended.\n";
const unarmed = "nothing would roll this change back if the run were killed";
const attributes = { mode: 0o644, ...root };

/**
 * The service starts again until the host's lock is free and the rollback is complete. After a boot it waits for the
 * services that the rollback reloads.
 */
const serviceText = (program: string): string => `${header}[Unit]
Description=Roll back an interrupted run of edox-ops
Documentation=man:edox-ops(1)
After=multi-user.target
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=${program.replaceAll("%", "%%")} recover
Restart=on-failure
RestartSec=10s

[Install]
WantedBy=multi-user.target
`;

const timerText = (withinMs: number): string => `${header}[Unit]
Description=Deadline of a run of edox-ops

[Timer]
OnActiveSec=${Math.ceil(withinMs / 1000)}s
AccuracySec=1s
`;

/** Arms a rollback that is due in `withinMs` milliseconds. Throws a Problem if it would not run in time. */
export async function arm(host: Host, program: string, withinMs: number): Promise<void> {
  demandSystemd(host);
  demandPermanent(host, program, unarmed);
  if (host.stat(program)?.type !== "file") {
    const message = `systemd cannot run ${program} after a boot: ${unarmed}`;
    throw new Problem("precondition-failed", message, { hint: ["ls", "-l", program] });
  }
  host.writeFile(recoverServicePath, Text.of(serviceText(program)).bytes, attributes);
  if (host.stat(parentOf(linkPath)) === null) host.makeDirectory(parentOf(linkPath), { mode: 0o755, ...root });
  host.makeLink(linkPath, recoverServicePath);
  await setDeadline(host, withinMs);
}

/** Sets the deadline of the armed rollback, from now on. */
export async function setDeadline(host: Host, withinMs: number): Promise<void> {
  host.writeFile(recoverTimerPath, Text.of(timerText(withinMs)).bytes, attributes);
  await runOrThrow(host, ["systemctl", "daemon-reload"]);
  await runOrThrow(host, ["systemctl", "restart", timer]);
}

/** Disarms the rollback, if it is armed. Throws the error of what could not be removed. */
export async function disarm(host: Host): Promise<void> {
  // The service is removed last: while it exists, another run disarms too.
  const paths = [unconfirmedPath, recoverTimerPath, linkPath, recoverServicePath];
  for (const path of paths) host.removeTemporary(path);
  const present = paths.filter((path) => host.stat(path) !== null);
  if (present.length === 0) return;
  // A unit that was never loaded cannot be stopped. The service does not stop itself before its end.
  const isService = new RegExp(`/${service}$`, "m").test(textOf(host, "/proc/self/cgroup") ?? "");
  await host.run(["systemctl", "stop", timer, ...(isService ? [] : [service])]);
  for (const path of present) host.remove(path);
  await runOrThrow(host, ["systemctl", "daemon-reload"]);
}

/** Disarms the rollback after a change that is kept. Returns a sentence if it stays armed. */
export async function disarmKept(host: Host): Promise<string | undefined> {
  try {
    await disarm(host);
    return undefined;
  } catch (cause) {
    return `the rollback stays armed: ${Problem.of(cause).message}`;
  }
}

function demandSystemd(host: Host): void {
  // sd_booted(3) checks for the same directory.
  if (host.stat("/run/systemd/system") !== null) return;
  throw new Problem("precondition-failed", `systemd does not run here: ${unarmed}`, { hint: ["ps", "-p", "1"] });
}
