import { Problem } from "../../problem/problem.ts";
import { selftestLockPath } from "../../runner/paths.ts";
import { surveyConfig } from "../../runner/runners.ts";
import type { Selftest } from "../../runner/selftest.ts";
import { lineOf, oneLine } from "../../text/lines.ts";
import { usage } from "../arguments.ts";
import { contentFlags, withBundle, withoutBundle } from "../bundle-content.ts";
import { command } from "../command.ts";
import { run } from "../run.ts";

export default command({
  meta: { name: "selftest", description: "run Docker-in-Docker as a job of a runner would, and measure it" },
  args: {
    runner: {
      type: "string",
      valueHint: "name",
      description: "with the settings of this one, the first privileged one without it",
    },
    image: {
      type: "string",
      valueHint: "file",
      description: "the image of the daemon, from a file that docker save wrote",
    },
    ...contentFlags("Take the image of the daemon from an offline bundle"),
    json: { type: "boolean", description: "print one JSON document on stdout" },
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
      const runner = choose(surveyConfig(host).runners, values.runner);
      await session.lock("selftest", selftestLockPath);
      if (!values.json) session.reporter.waiting(`a job of ${runner.name}: this takes a minute`);
      const typed = ["edox-ops", ...context.typed];
      const isGood = ({ measured }: Selftest): boolean => measured.every(({ ok }) => ok);
      const found = await session.operation(
        { id: "gitlab-runner.selftest", title: `Docker-in-Docker works in a job of ${runner.name}` },
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
      const image = oneLine(values.image ? dindImage : found.image);
      if (isGood(found)) session.say(snippet(image, found.mtu));
    });
  },
});

type Runner = ReturnType<typeof surveyConfig>["runners"][number];

function choose(runners: readonly Runner[], name: string | undefined): Runner {
  const docker = runners.filter(({ executor }) => executor === "docker");
  const found =
    name === undefined
      ? (docker.find((runner) => runner.docker?.privileged) ?? docker[0])
      : docker.find((runner) => runner.name === name);
  if (found) return found;
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
