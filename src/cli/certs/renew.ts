import type { RenewalRequest } from "../../certs/renewal/renew.ts";
import type { Renewal } from "../../certs/renewal/results.ts";
import { lockPath } from "../../engine/paths.ts";
import type { StepResult } from "../../engine/step.ts";
import { Problem } from "../../problem/problem.ts";
import { confirm, convergeRecipe } from "../../run/recipes.ts";
import { recoverFirst } from "../../run/recovery.ts";
import type { Session } from "../../run/session.ts";
import { lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { confirmationFlags, editFlags } from "../flags.ts";
import { editWaitMs, run } from "../run.ts";

export default command({
  meta: {
    name: "renew",
    description: "Renew certificates that are due",
    long: [
      "certbot renews them automatically, so you need this only after a problem.",
      "It runs the same certbot, and then verifies that nginx serves the renewed certificates.",
      "With --force, certificates that are not due count against the limits of the authority.",
    ],
    examples: [
      "sudo edox-ops certs renew --yes",
      "sudo edox-ops certs renew --dry-run",
      "sudo edox-ops certs renew --force --name docs.example.org --yes",
    ],
  },
  args: {
    force: { type: "boolean", description: "Renew certificates that are not due as well" },
    name: {
      type: "string",
      valueHint: "name",
      completes: "certificate",
      description: "Renew only this certificate; certs status lists the names",
    },
    ...confirmationFlags,
    ...editFlags,
  },
  async run(values, context) {
    const { renewalRecipe } = await import("../../certs/renewal/renew.ts");
    const request = { force: values.force === true, name: values.name };
    return run(values, context, async (session) => {
      const recipe = () => renewalRecipe(request);
      const known = await confirm(session, recipe);
      if (known === null) return;
      if (session.options.dryRun) await convergeRecipe(session, recipe, { known });
      else await renewIn(session, request);
    });
  },
});

/** Renews under the host's lock, so that no other run changes nginx's files while the hook tests them. */
async function renewIn(session: Session, request: RenewalRequest): Promise<void> {
  const { demandCertbot, renew, renewalRecipe, renewStep } = await import("../../certs/renewal/renew.ts");
  const { certsLogPath } = await import("../../certs/paths.ts");
  const { host, reporter, stop } = session;
  await session.lock("host", lockPath, editWaitMs);
  await recoverFirst(host, (sentence) => session.note({ warnings: [sentence], unknown: [] }), stop);
  await demandCertbot(host);
  const [step] = renewalRecipe(request).steps;
  const changes = (await step?.resources[0]?.check(host, [], () => {})) ?? [];
  const log = session.log(certsLogPath);
  log.started({ ...renewStep, resources: [] });
  reporter.started(renewStep);
  const empty: StepResult = { ...renewStep, outcome: "ok", changes: [], unknown: [], warnings: [], ran: [] };
  const add = (result: StepResult): void => {
    log.finished(result);
    session.add(result);
  };
  try {
    const { renewals, ran, warnings, problem } = await renew(host, request, {
      watch: reporter.watch,
      stop,
      again: session.again,
    });
    const isChanged = renewals.some((each) => each.result === "renewed");
    const outcome = problem !== null ? "failed" : isChanged ? "changed" : "ok";
    const shown = outcome === "ok" ? {} : { changes };
    const result: StepResult = { ...empty, ...shown, outcome, warnings, ran, ...(problem && { problem }) };
    add(result);
    await reporter.step(result);
    session.include({ renewals });
    session.say(...renewals.map(lineFor));
    if (outcome === "ok") session.say("No certificate is due for renewal.\n");
    if (outcome === "changed" && warnings.length === 0) {
      session.say("Certificate renewal completed and nginx reloaded.\n");
    }
  } catch (error) {
    // certbot has not run: another one does, or a signal arrived.
    const failed: StepResult = { ...empty, outcome: "failed", problem: Problem.of(error) };
    add(failed);
    await reporter.operation(failed);
    throw error;
  }
}

function lineFor({ name, result, reason }: Renewal): string {
  return reason === "" ? lineOf`${result} ${name}` : lineOf`${result} ${name}: ${reason}`;
}
