import { Problem } from "../../problem/problem.ts";
import { selftestLockPath } from "../../runner/paths.ts";
import { ciDocker } from "../../runner/registration/profile.ts";
import { type Runner, surveyConfig } from "../../runner/runners.ts";
import type { JobSettings, Selftest } from "../../runner/selftest.ts";
import { lineOf, oneLine } from "../../text/lines.ts";
import { usage } from "../arguments.ts";
import { contentFlags, withBundle, withoutBundle } from "../bundle-content.ts";
import { command } from "../command.ts";
import { run } from "../run.ts";

export default command({
  meta: {
    name: "selftest",
    description: "Test Docker-in-Docker and measure it",
    long: [
      "It starts the same containers as a job of the runner, builds an image and measures each part.",
      "It takes about a minute, and removes its containers afterwards.",
      "If everything works, it prints a job for your .gitlab-ci.yml.",
    ],
    examples: [
      "sudo edox-ops gitlab-runner selftest",
      "sudo edox-ops gitlab-runner selftest --image dind.tar --json",
      "sudo edox-ops gitlab-runner selftest --bundle edox-trixie-amd64.tar",
    ],
  },
  args: {
    runner: {
      type: "string",
      valueHint: "name",
      completes: "runner",
      description: "Use the settings of this runner; the first privileged one by default",
    },
    image: {
      type: "string",
      valueHint: "file",
      description: "Load the image of the Docker daemon from a file of docker save",
    },
    ...contentFlags("Load the image of the Docker daemon from this offline bundle, and use no network"),
    json: { type: "boolean", group: "Output", description: "Print one JSON document on stdout" },
  },
  async run(values, context) {
    const { dindImage } = await import("../../runner/selftest-image.ts");
    const { selftest } = await import("../../runner/selftest.ts");
    const { snippet } = await import("../../runner/selftest-snippet.ts");
    const host = await context.host();
    if (values.image !== undefined && values.bundle !== undefined) {
      throw usage("--image and --bundle cannot be used together");
    }
    return run(withoutBundle(values), context, async (session) => {
      session.demandRoot();
      const { runners } = surveyConfig(host);
      const runner = chosen(runners, values.runner) ?? withoutRunner(values);
      const job = runner.name === null ? "a job with the profile ci" : `a job of ${runner.name}`;
      await session.lock("selftest", selftestLockPath);
      if (!values.json) session.reporter.waiting(`${job}: this takes a minute`);
      const typed = ["edox-ops", ...context.typed];
      const isGood = ({ measured }: Selftest): boolean => measured.every(({ ok }) => ok);
      const found = await session.operation(
        { id: "gitlab-runner.selftest", title: `Docker-in-Docker works in ${job}` },
        () => {
          if (values.bundle === undefined) return selftest(host, runner, session.stop, { file: values.image, typed });
          return withBundle(host, values, async (bundle, warnings) => {
            for (const each of warnings) await session.warn(each);
            return selftest(host, runner, session.stop, { bundle, typed });
          });
        },
        (done) => ({ outcome: isGood(done) ? "ok" : "failed", warnings: [] }),
      );
      session.include({ selftest: found });
      for (const { name, ok, milliseconds, detail } of found.measured) {
        session.say(lineOf`${ok ? "[OK]" : "[FAIL]"} ${name}: ${detail} (${milliseconds} ms)`);
      }
      for (const { name, reason } of found.skipped) session.say(lineOf`[SKIP] ${name}: ${reason}`);
      const image = oneLine(values.image ? dindImage : found.image);
      if (isGood(found)) session.say(snippet(image, found.mtu));
    });
  },
});

/** Returns the runner of this name, or the first privileged one. */
function chosen(runners: readonly Runner[], name: string | undefined): Runner | undefined {
  const docker = runners.filter(({ executor }) => executor === "docker");
  if (name !== undefined) return docker.find((runner) => runner.name === name);
  return docker.find((runner) => runner.docker?.privileged) ?? docker[0];
}

/**
 * Returns the settings of a runner that is not registered yet: a host without a network cannot register one. Throws a
 * Problem for a run that has a network or names a runner.
 */
function withoutRunner({ runner: name, bundle }: { runner?: string; bundle?: string }): JobSettings {
  if (name === undefined && bundle !== undefined) return { name: null, url: "", docker: ciDocker };
  const hint = [
    "sudo",
    "edox-ops",
    "gitlab-runner",
    "register",
    "--profile",
    "ci",
    "--url",
    "https://gitlab.com",
    "--token",
    "-",
  ];
  const message =
    name === undefined
      ? "no runner of this host has the docker executor"
      : `there is no runner ${name} with the docker executor`;
  throw new Problem("not-found", message, { hint });
}
