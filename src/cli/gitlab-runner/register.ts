import type { Recipe } from "../../engine/step.ts";
import { convergeRecipe } from "../../run/recipes.ts";
import type { GrantedRunner, Registration } from "../../runner/registration/registration.ts";
import { lineOf } from "../../text/lines.ts";
import type { Secret } from "../../text/secret.ts";
import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { editWaitMs, run } from "../run.ts";
import { registerFlags, registrationOf } from "./register-request.ts";

export default command({
  meta: {
    name: "register",
    description: "Register this host as a runner of GitLab",
    long: [
      "You need the authentication token of a runner that you created in GitLab, or an access token that creates one.",
      "A token of - is asked for, so that it is not in the history of your shell.",
      "The settings are written to config.toml, where everything else stays as it is.",
      "Run it again to change the settings of the same runner.",
    ],
    examples: [
      "sudo edox-ops gitlab-runner register --profile ci --url https://gitlab.com --token -",
      "sudo edox-ops gitlab-runner register --profile ci --url https://gitlab.com --access-token - --project 7 --protected",
      "sudo edox-ops gitlab-runner register --url https://gitlab.com --token-file token.txt --executor shell",
    ],
  },
  args: { ...registerFlags, ...editFlags },
  async run(values, context) {
    const { requestRunner, withdrawRunner } = await import("../../runner/registration/admission.ts");
    const { registration } = await import("../../runner/registration/register.ts");
    const { replacedRunners } = await import("../../runner/registration/section.ts");
    const { readConfig } = await import("../../runner/runners.ts");
    const { deleteRunner } = await import("../../runner/registration/gitlab.ts");
    const { systemIdOf } = await import("../../runner/registration/system-id.ts");
    const { isRegisteredHere } = await import("../../runner/registration/unregister.ts");
    const host = await context.host();
    return run(values, context, async (session) => {
      const { dryRun } = session.options;
      if (!dryRun) session.demandRoot();
      const request = await registrationOf(host, values, context, (sentence) => void session.warn(sentence));
      let granted: GrantedRunner | null = null;
      let old: { token: Secret; isRegisteredHere: boolean }[] = [];
      const recipe = async (): Promise<Recipe> => {
        if (dryRun) return registration(request, null);
        // This runs under the lock, and signals no longer end the process at once: a runner created in GitLab is either
        // configured here or deleted there.
        session.catchSignals();
        granted = await requestRunner(host, request);
        old = replacedRunners(host, readConfig(host), request, granted).map((runner) => {
          return { token: runner.token, isRegisteredHere: isRegisteredHere(host, runner) };
        });
        return registration(request, granted);
      };
      try {
        const isDone = await convergeRecipe(session, recipe, { lockWaitMs: editWaitMs });
        if (!isDone || dryRun) return;
        for (const each of old) {
          await deleteRunner(host, request.server, { ...each, systemId: systemIdOf(host) }).catch((error: Error) => {
            return session.warn(`the runner that was replaced is known there still: ${error.message}`);
          });
        }
        session.say(inGitLab(request));
      } finally {
        const left = granted && (await withdrawRunner(host, request, granted));
        if (left) await session.warn(left);
      }
    });
  },
});

/** Returns the settings to make in GitLab, because a runner with its own authentication token never sends them. */
function inGitLab({ server, credential, profile, isProtected }: Registration): string {
  if (credential.kind !== "own") return "";
  const tags = profile.tags.length > 0 ? `tags ${profile.tags.join(", ")}` : "run untagged jobs";
  const docker = profile.settings.docker as { privileged?: boolean } | undefined;
  const guard =
    docker?.privileged && !isProtected ? "; it runs privileged containers: lock it to its project, and protect it" : "";
  return lineOf`Set in GitLab (${server.url}, Settings, CI/CD, Runners): ${tags}${guard}`;
}
