import { printableAddress } from "../engine/fetch.ts";
import type { Session, StepName } from "../run/session.ts";
import type { Updated, UpdateRequest } from "../self-update/update.ts";
import { lineOf, shellLine } from "../text/lines.ts";
import { usage } from "./arguments.ts";
import { contentFlags, withBundle, withoutBundle } from "./bundle-content.ts";
import { command, type Values } from "./command.ts";
import type { Context } from "./context.ts";
import { editFlags, outputFlags } from "./flags.ts";
import { releasesUrl } from "./releases-url.ts";

export default command({
  meta: {
    name: "self-update",
    description: "Update edox-ops to its latest version",
    long: [
      "It downloads the new version, verifies its signature and swaps both programs atomically.",
      "The previous version stays beside it for --rollback.",
      "Sites and runners are not interrupted.",
    ],
    examples: [
      "edox-ops self-update --check",
      "sudo edox-ops self-update",
      "sudo edox-ops self-update --version 1.2.3",
      "sudo edox-ops self-update --bundle edox-trixie-amd64.tar",
      "sudo edox-ops self-update --rollback",
    ],
  },
  args: {
    version: { type: "string", valueHint: "X.Y.Z", description: "Install this version (downgrades allowed)" },
    "dry-run": editFlags["dry-run"],
    check: { ...editFlags.check, description: "Check for a new version, and exit with 3 if there is one" },
    diff: { ...editFlags.diff, description: "Show the checksums of both programs" },
    rollback: { type: "boolean", description: "Roll back to the previous version" },
    ...contentFlags("Update from an offline bundle instead of a server"),
    ...outputFlags,
  },
  async run(values, context) {
    const { isOwn } = await import("../self-update/program.ts");
    const { run } = await import("./run.ts");
    const request = await updateRequestOf(values, context);
    const owns = isOwn(await context.host(), request.program);
    const again = itself(...context.typed.slice(1));
    const act = async (session: Session): Promise<void> => {
      const update = { session, request, context, owns, itself };
      if (values.rollback) return rollBackIn(update);
      if (values.bundle === undefined) return updateIn(update);
      return withBundle(session.host, values, async (bundle, warnings) => {
        for (const each of warnings) await session.warn(each);
        const releaseSource = { ...request.releaseSource, bundle };
        return updateIn({ ...update, request: { ...request, releaseSource } });
      });
    };
    return run(withoutBundle(values), context, act, again);

    /** Returns this command as it is typed here, with the same release source. */
    function itself(...flags: string[]): string[] {
      const from = context.variable("EDOX_BASE_URL")
        ? [`EDOX_BASE_URL=${printableAddress(request.releaseSource.base)}`]
        : [];
      return [...(owns ? [] : ["sudo"]), ...from, "edox-ops", "self-update", ...flags];
    }
  },
});

interface Update {
  session: Session;
  request: UpdateRequest;
  context: Context;
  /** Whether this user may replace the program. */
  owns: boolean;
  /** Returns this command with other flags. */
  itself(...flags: string[]): string[];
}

async function rollBackIn({ session, request, context, owns, itself }: Update): Promise<void> {
  const { checksumOf, previousVersion, rollBack } = await import("../self-update/update.ts");
  const { beside } = await import("../self-update/program.ts");
  const { host, options } = session;
  const { program, version } = request;
  if (!options.dryRun) await demandAlone(session, program, owns);
  const from = options.diff ? checksumOf(host, program) : "";
  const step = { id: "program.update", title: `${program}: ${version} is rolled back` };
  if (options.dryRun) {
    const to = await session.operation(step, () => previousVersion(host, request), pending);
    const sums = { from, to: options.diff ? checksumOf(host, beside(program).previous) : "" };
    const next = shellLine(context.hint(itself("--rollback")));
    const update = { from: version, to, previous: null };
    return report(session, { text: `edox-ops ${version} can go back to ${to}: ${next}`, path: program, update, sums });
  }
  // A signal between the two renames would lose the previous version.
  session.catchSignals();
  const trees = await context.trees();
  const swapBack = () => rollBack(host, trees, request, session.stop);
  const updated = await session.operation(step, () => logged(session, step, swapBack), changed);
  const sums = { from, to: options.diff ? checksumOf(host, program) : "" };
  const back = context.hint(itself("--rollback"));
  report(session, { text: updatedText(updated, program, back), path: program, update: updated, sums });
}

async function updateIn({ session, request, context, owns, itself }: Update): Promise<void> {
  const { aptLine, checksumOf, findOffer, update } = await import("../self-update/update.ts");
  const { isPackaged } = await import("../self-update/program.ts");
  const { host, options, reporter, stop } = session;
  const { program, version, requestedVersion } = request;
  const { bundle } = request.releaseSource;
  if (!options.dryRun) await demandAlone(session, program, owns);
  const from = options.diff ? checksumOf(host, program) : "";
  const offer = await findOffer(host, request);
  const sums = { from, to: offer.release.sumOf(offer.binary) ?? "" };
  const to = offer.release.version;
  const step = { id: "program.update", title: `${program}: ${version} is updated to ${to}` };
  if (offer.same || options.dryRun) {
    await session.operation(step, () => {}, offer.same ? satisfied : pending);
    const text = offer.same
      ? `edox-ops ${to} is ${requestedVersion === null && !bundle ? "the latest release" : "installed already"}`
      : offerText();
    return report(session, { text, path: program, update: { from: version, to, previous: null }, sums });
  }
  // A signal ends the update in order from here on.
  session.catchSignals();
  const trees = await context.trees();
  const onBytes = (bytes: number, total: number): void => {
    reporter.progress({ phase: "downloaded", bytes, ...(total > 0 && { total_bytes: total }) });
  };
  const replace = () => update(host, trees, { request, offer, stop, onBytes });
  const updated = await session.operation(step, () => logged(session, step, replace), changed);
  const back = context.hint(itself("--rollback"));
  report(session, { text: updatedText(updated, program, back), path: program, update: updated, sums });

  function offerText(): string {
    const from = bundle ? ["--bundle", bundle.path] : [];
    const address = `, from ${printableAddress(offer.release.addressOf(offer.asset))}`;
    const next = isPackaged(host, program)
      ? `${shellLine(context.hint(aptLine(offer.deb)))}${bundle ? "" : address}`
      : shellLine(context.hint(itself(...from, ...(requestedVersion === null ? [] : ["--version", to]))));
    const what =
      to === version ? `this is not edox-ops ${to} as it was released` : `edox-ops ${version} can become ${to}`;
    return `${what}: ${next}`;
  }
}

const satisfied = () => ({ outcome: "ok" as const, warnings: [] });
const pending = () => ({ outcome: "pending" as const, warnings: [] });
const changed = () => ({ outcome: "changed" as const, warnings: [] });

/** Throws a Problem if this user may not replace the program, or if another run replaces it. */
async function demandAlone(session: Session, program: string, owns: boolean): Promise<void> {
  const { lockOf } = await import("../self-update/program.ts");
  if (!owns) session.demandRoot();
  await session.lock("program", lockOf(session.host, program));
}

/** Logs the update, so that an admin can find out when the program was replaced. */
async function logged(session: Session, step: StepName, act: () => Promise<Updated>): Promise<Updated> {
  if (session.host.uid !== 0) return act();
  const { logStep } = await import("../report/run-log.ts");
  const { updateLogPath } = await import("../self-update/paths.ts");
  return logStep(session.log(updateLogPath), step, act, changed);
}

/** The checksums of both programs. They are empty without --diff, because the files are large. */
interface Sums {
  from: string;
  to: string;
}

interface Reported {
  /** The sentence for a person. */
  text: string;
  path: string;
  update: Updated;
  sums: Sums;
}

function updatedText({ from, to, previous }: Updated, program: string, back: readonly string[]): string {
  const way = previous === null ? "this file system does not keep the one before" : `back: ${shellLine(back)}`;
  return `edox-ops ${from} -> ${to}: ${program} (${way})`;
}

function report(session: Session, { text, path, update, sums }: Reported): void {
  const { diff } = session.options;
  session.include({ update: { path, ...update, ...(diff && { sha256: sums }) } });
  if (diff && sums.from !== sums.to) {
    session.say(lineOf`--- ${path}`, lineOf`+++ ${path}`);
    session.say(
      lineOf`-edox-ops ${update.from} (sha256 ${sums.from})`,
      lineOf`+edox-ops ${update.to} (sha256 ${sums.to})`,
    );
  }
  session.say(lineOf`${text}`);
}

async function updateRequestOf(values: Values, { program, variable }: Context): Promise<UpdateRequest> {
  const { isVersion } = await import("../self-update/published.ts");
  const requestedVersion = values.version === undefined ? null : String(values.version).replace(/^v/, "");
  if (requestedVersion !== null && !isVersion(requestedVersion)) {
    const hint = ["sudo", "edox-ops", "self-update", "--version", "X.Y.Z"];
    throw usage(`--version '${values.version}' is no version`, undefined, hint);
  }
  if (values.rollback && requestedVersion !== null) {
    throw usage("--rollback and --version cannot be used together");
  }
  if (values.rollback && values.bundle !== undefined) throw usage("--rollback and --bundle cannot be used together");
  const base = releasesUrl({ variable }, (typed) => {
    const hint = ["sudo", "EDOX_BASE_URL=https://…", "edox-ops", "self-update"];
    return usage(`EDOX_BASE_URL '${printableAddress(typed)}' is no address`, undefined, hint);
  });
  return { program, version: EDOX_OPS_VERSION, releaseSource: { base, keys: EDOX_OPS_RELEASE_KEYS }, requestedVersion };
}
