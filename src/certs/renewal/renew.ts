// Renews certificates with certbot, and verifies that nginx serves them.

import type { Change } from "../../engine/change.ts";
import type { ProgramRun, Recipe } from "../../engine/step.ts";
import { type Host, type HostReader, UnknownStateError } from "../../host/host.ts";
import { refusal } from "../../nginx/accepts.ts";
import { Problem } from "../../problem/problem.ts";
import type { Requirement } from "../../problem/requirement.ts";
import type { Stop, WaitWatch } from "../../problem/wait.ts";
import { isActive } from "../../resources/service.ts";
import { reloadNginx } from "../../sites/serve/site-hints.ts";
import { certbot, notInstalled, runCertbot } from "../certbot-run.ts";
import { type Lineage, type Lineages, readLineages, shareLeft } from "../lineage.ts";
import { certsLogPath, hookPath } from "../paths.ts";
import { projectsIn, projectsOf } from "../projects.ts";
import { otherServed } from "../served.ts";
import { renewBeforeMs } from "./before.ts";
import { hookResult } from "./hook.ts";
import { failure, type Renewal, resultsOf } from "./results.ts";
import { timerState } from "./timer.ts";

/** What `certs renew` is asked for. */
export interface RenewalRequest {
  /** Renew certificates that are not due, too. */
  force: boolean;
  /** The only lineage to renew. */
  name?: string | undefined;
}

/** What a run of certbot did. */
export interface Renewed {
  renewals: Renewal[];
  ran: ProgramRun[];
  /** The first fault of all. */
  problem: Problem | null;
  warnings: string[];
}

interface Watched {
  /** The command that repeats the run. */
  again: readonly string[];
  watch?: WaitWatch;
  stop?: Stop;
}

function certbotWords({ force, name }: RenewalRequest): string[] {
  const named = name === undefined ? [] : ["--cert-name", name];
  return ["renew", ...named, ...(force ? ["--force-renewal"] : []), "--no-random-sleep-on-renew"];
}

/** Returns the lineages that the request is about. Throws a Problem for a name that certbot does not know. */
function lineagesFor(reader: HostReader, { name }: RenewalRequest): Lineages {
  const all = readLineages(reader);
  if (name === undefined) return all;
  const [lineage, broken] = [all.lineages.get(name), all.broken.get(name)];
  if (lineage === undefined && broken === undefined) {
    const hint = ["sudo", "edox-ops", "certs", "status"];
    throw new Problem("not-found", `certbot has no certificate '${name}'`, { hint });
  }
  return { lineages: new Map(lineage && [[name, lineage]]), broken: new Map(broken && [[name, broken]]) };
}

function isDue(reader: HostReader, lineage: Lineage): boolean {
  const { certificate } = lineage;
  const before = renewBeforeMs(lineage);
  return certificate !== null && before !== null && certificate.notAfter - before <= reader.now();
}

/** Returns the recipe of a dry run, which predicts what certbot renews. certbot itself decides in a run. */
export function renewalRecipe(request: RenewalRequest): Recipe {
  return {
    command: "certs renew",
    logPath: certsLogPath,
    requires: [certbotPresent],
    done: "",
    failed: "Renewing failed at step",
    steps: [
      {
        ...renewStep,
        resources: [{ name: "certs:renewed", title: renewStep.title, check: (reader) => pending(reader, request) }],
      },
    ],
  };
}

const certbotPresent: Requirement = {
  name: "certs:certbot",
  title: "certbot is installed",
  async check(reader) {
    await demandCertbot(reader);
    return null;
  },
};

export const renewStep = { id: "certs.renew", title: "certificates that are due are renewed, and nginx serves them" };

function pending(reader: HostReader, request: RenewalRequest): Change[] {
  const { lineages } = lineagesFor(reader, request);
  const hidden = [...lineages.values()].find(({ certificate }) => certificate === null);
  if (hidden !== undefined) throw new UnknownStateError(`only root can read the certificate ${hidden.name}`);
  const due = [...lineages.values()].filter((lineage) => request.force || isDue(reader, lineage));
  return due.length === 0 ? [] : [certbotRenewal(reader, request, due)];
}

function certbotRenewal(reader: HostReader, request: RenewalRequest, due: readonly Lineage[]): Change {
  const named = due.map(({ name, certificate }) =>
    certificate === null
      ? name
      : `${name} (${Math.floor(shareLeft(reader, certificate) * 100)} % of its lifetime left)`,
  );
  return { kind: "command", argv: certbot(...certbotWords(request)), reason: `to be renewed: ${named.join(", ")}` };
}

/** Runs certbot, and verifies the result. A lineage that fails does not affect the others. */
export async function renew(host: Host, request: RenewalRequest, { again, ...watched }: Watched): Promise<Renewed> {
  const before = lineagesFor(host, request);
  if (before.lineages.size + before.broken.size === 0) return { renewals: [], ran: [], problem: null, warnings: [] };
  const since = host.now();
  const output = await runCertbot(host, certbotWords(request), watched);
  const ran = [{ argv: certbot(...certbotWords(request)), ...output }];
  const renewals = resultsOf(before, lineagesFor(host, request), output);
  const failed = renewals.filter(({ result }) => result === "failed");
  const warnings: string[] = [];
  const problem = await notServed(host, renewals, { since, warnings }).catch((error) => Problem.of(error));
  const fault = problem ?? (await failure(host, output, { failed, lineages: before.lineages, again }));
  if (fault === null && request.name === undefined) await forgetFailure(host);
  return { renewals, ran, warnings, problem: fault };
}

/** Has systemd forget that an earlier run of the timer failed: all certificates are renewed now. */
async function forgetFailure(host: Host): Promise<void> {
  const { lastRun, lastResult } = await timerState(host);
  if (lastRun !== null && lastResult !== "success") await host.run(["systemctl", "reset-failed", "certbot.service"]);
}

/** Returns why nginx does not serve a renewed certificate of a project, or null. */
async function notServed(
  host: Host,
  renewals: readonly Renewal[],
  { since, warnings }: { since: number; warnings: string[] },
): Promise<Problem | null> {
  const renewed = renewals.flatMap(({ name, serial }) => (serial === undefined ? [] : [{ name, serial }]));
  if (renewed.length === 0) return null;
  const results = renewed.map(({ name }) => hookResult(host, name));
  // The hook records whole seconds.
  const hasRun = host.stat(hookPath) !== null && results.every((each) => each !== null && each.at >= since - 1000);
  if (!hasRun) await reload(host);
  const fault = results.some((each) => hasRun && each?.result === "failed") ? await refusal(host) : null;
  if (fault !== null) return new Problem(fault.code, fault.reason, { hint: fault.hint });
  if (!isActive(host, "nginx")) {
    warnings.push("nginx is not active: it loads the renewed certificates when it starts");
    return null;
  }
  const projects = projectsIn(host).filter(({ tls, enabled }) => tls && enabled);
  const used = renewed.filter((lineage) => projectsOf(projects, lineage).length > 0);
  const others = await otherServed(host, new Map(used.map(({ name, serial }) => [name, serial])));
  const wrong = [...others].map(
    ([name, each]) => `${name} (${"serial" in each ? `serial ${each.serial}` : each.reason})`,
  );
  if (wrong.length === 0) return null;
  return new Problem("not-served", `nginx does not serve the renewed certificate of ${wrong.join(", ")}`, {
    hint: reloadNginx,
  });
}

/** Has nginx load the certificates, for a host whose hook is missing. Throws a Problem if nginx refuses its files. */
async function reload(host: Host): Promise<void> {
  if (!isActive(host, "nginx")) return;
  const fault = await refusal(host);
  if (fault !== null) throw new Problem(fault.code, fault.reason, { hint: fault.hint });
  await host.run(["systemctl", "reload", "nginx"]);
}

/** Throws a Problem if certbot is not installed. */
export async function demandCertbot(reader: HostReader): Promise<void> {
  if ((await reader.probe(["certbot", "--version"])).code === 127) throw notInstalled();
}
