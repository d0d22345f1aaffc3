// A runner of ours is taken away: in GitLab first, then here.

import { Problem, type Recipe } from "../engine/step.ts";
import { withFlag } from "../engine/with-flag.ts";
import type { HostReader } from "../host/host.ts";
import { runnerConfigPath, runnerLogPath } from "../recipes/paths.ts";
import { configFile } from "./config-file.ts";
import { configTaken } from "./config-taken.ts";
import { type Made, madeBy, ours, readRecord, recordFile, sameRunner, withoutMade } from "./record.ts";
import { type Runner, readConfig, sameServer } from "./runners.ts";

/** Of a run that was killed only the record may be left. */
export interface Known {
  made: Made;
  runner: Runner | null;
}

/** Throws a Problem for a runner that is not there, not ours, or one of several of that name. `typed`: the whole command. */
export function theRunner(see: HostReader, name: string, url: string | undefined, typed: readonly string[]): Known {
  const record = readRecord(see);
  const { runners } = readConfig(see);
  const named = madeBy(record).filter((made) => made.name === name && (!url || sameServer(made.url, url)));
  const [made, another] = named;
  if (made !== undefined && another !== undefined) {
    const message = `${name} is registered with ${made.url} and with ${another.url}: say which with --url`;
    throw new Problem("usage", message, { hint: withFlag(typed, "--url", made.url) });
  }
  if (made !== undefined) return { made, runner: runners.find((runner) => sameRunner(made, runner)) ?? null };
  if (runners.some((runner) => runner.name === name)) {
    const message = `${name} was not registered by edox-ops`;
    throw new Problem("blocked", message, { hint: ["sudo", "gitlab-runner", "unregister", "--name", name] });
  }
  const hint = ["edox-ops", "gitlab-runner", "list"];
  throw new Problem("requirement", `there is no runner ${name} in ${runnerConfigPath}`, { hint });
}

/** Its token is nowhere on the host afterwards. */
export function unregistration({ made }: Known): Recipe {
  const { name } = made;
  const removal = configFile(
    `runner:${name}`,
    `${name} is not configured`,
    ({ runners }) => {
      const at = runners.findIndex((runner) => sameRunner(made, runner));
      return at < 0 ? [] : [{ kind: "remove-runner", runner: at }];
    },
    false,
  );
  const forgotten = recordFile((before) => {
    const left = withoutMade(before, (each) => sameRunner(each, made));
    return left.length === 0 ? null : { ...before, runners: left };
  });
  return {
    command: `gitlab-runner unregister ${name}`,
    logPath: runnerLogPath,
    done: `Unregistered runner ${name}.`,
    failed: "Unregistering failed at step",
    requires: [],
    steps: [{ id: "runner.unregister", title: `${name} is forgotten`, wants: [removal, configTaken, forgotten] }],
  };
}

/** Whether the runner itself is GitLab's to forget, and not only this host. */
export function wasMade(see: HostReader, runner: Runner): boolean {
  return ours(readRecord(see), runner)?.owner !== undefined;
}
