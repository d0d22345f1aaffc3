import { printableAddress } from "../engine/fetch.ts";
import type { Offer, Updated, UpdateRequest } from "../self-update/update.ts";
import { lineOf, shellLine } from "../text/lines.ts";
import { usage } from "./arguments.ts";
import { command, type Values } from "./command.ts";
import { type Context, exitCode } from "./context.ts";
import { editFlags, outputFlags } from "./flags.ts";

export default command({
  meta: { name: "self-update", description: "replace this program by its latest release" },
  args: {
    version: { type: "string", valueHint: "X.Y.Z", description: "by that release, which may be an older one" },
    "dry-run": editFlags["dry-run"],
    check: { type: "boolean", description: "only say whether there is another one: exits 3 where there is" },
    rollback: { type: "boolean", description: "go back to the one before this one" },
    ...outputFlags,
  },
  async run(values, context) {
    const { aptLine, findOffer, previousVersion, rollBack, update } = await import("../self-update/update.ts");
    const { isOwn, isPackaged, lockOf } = await import("../self-update/program.ts");
    const { demandRoot, interruption, takeLock } = await import("./run.ts");
    const { lineFor } = await import("./teller.ts");
    const { console, hint, typed } = context;
    const order = await updateRequestOf(values, context);
    const { program, version, wanted } = order;
    const [host, trees] = [await context.host(), await context.trees()];
    const owns = isOwn(host, program);

    if (values.check || values["dry-run"]) {
      if (!values.rollback) return printOffer(await findOffer(host, order));
      const to = await previousVersion(order, host);
      const next = shellLine(hint(itself("--rollback")));
      return print(`edox-ops ${version} can go back to ${to}: ${next}`, "pending", {
        from: version,
        to,
        previous: null,
      });
    }
    if (!owns) demandRoot(host, context);
    const lock = await takeLock(host, lockOf(host, program), itself(...typed.slice(1)));
    try {
      if (values.rollback)
        return await printUpdated(await printer(`${version} goes back`, () => rollBack(order, host, trees)));
      const offer = await findOffer(host, order);
      if (offer.same) return await printOffer(offer);
      const signal = host.catchSignals();
      const stop = () => interruption(signal(), itself(...typed.slice(1)));
      const line = lineFor(values, console, stop);
      line?.begin("self-update");
      const onBytes = (bytes: number, total: number) => line?.say(downloadedText(bytes, total));
      const updated = await printer(`${version} becomes ${offer.release.version}`, () => {
        return update(order, offer, host, trees, stop, onBytes).finally(() => line?.clear());
      });
      return await printUpdated(updated);
    } finally {
      lock.release();
    }

    /** Returns this command as it is typed here, with the same release source. */
    function itself(...flags: string[]): string[] {
      const from = context.variable("EDOX_BASE_URL") ? [`EDOX_BASE_URL=${printableAddress(order.shelf.base)}`] : [];
      return [...(owns ? [] : ["sudo"]), ...from, "edox-ops", "self-update", ...flags];
    }

    /** Logs the update, so that an admin can find out when the program was replaced. */
    async function printer(title: string, run: () => Promise<Updated>): Promise<Updated> {
      if (host.uid !== 0) return run();
      const { logStep, runLog } = await import("../report/run-log.ts");
      const { updateLogPath } = await import("../self-update/paths.ts");
      const log = runLog(updateLogPath, host, (sentence) => console.err(lineOf`warning: ${sentence}`));
      const step = { id: "program.update", title: `${program}: ${title}` };
      return logStep(log, step, run, () => ({ outcome: "changed", warnings: [] }));
    }

    function printOffer({ same, release, asset }: Offer): Promise<number> {
      const to = release.version;
      const update = { from: version, to, previous: null };
      const which = wanted === null ? "the latest release" : "installed already";
      if (same) return print(`edox-ops ${to} is ${which}`, "ok", update);
      const from = `, from ${printableAddress(release.addressOf(asset))}`;
      const next = isPackaged(host, program)
        ? `${shellLine(hint(aptLine(asset)))}${from}`
        : shellLine(hint(itself(...(wanted === null ? [] : ["--version", to]))));
      const what =
        to === version ? `this is not edox-ops ${to} as it was released` : `edox-ops ${version} can become ${to}`;
      return print(`${what}: ${next}`, "pending", update);
    }

    function printUpdated(updated: Updated): Promise<number> {
      const back = `back: ${shellLine(hint(itself("--rollback")))}`;
      const way = updated.previous === null ? "this file system does not keep the one before" : back;
      return print(`edox-ops ${updated.from} -> ${updated.to}: ${program} (${way})`, "changed", updated);
    }

    async function print(text: string, outcome: "ok" | "pending" | "changed", update: Updated): Promise<number> {
      const exit = outcome === "pending" && values.check ? exitCode.pending : exitCode.done;
      if (values.json) {
        const { jsonOf } = await import("../report/json.ts");
        await console.out(jsonOf({ command: "self-update", outcome, exit, update: { path: program, ...update } }));
      } else if (!values.quiet) await console.out(lineOf`${text}`);
      return exit;
    }
  },
});

async function updateRequestOf(values: Values, { program, variable }: Context): Promise<UpdateRequest> {
  const { isVersion } = await import("../self-update/published.ts");
  const wanted = values.version === undefined ? null : String(values.version).replace(/^v/, "");
  if (wanted !== null && !isVersion(wanted)) {
    const hint = ["sudo", "edox-ops", "self-update", "--version", "X.Y.Z"];
    throw usage(`--version '${values.version}' is no version`, undefined, hint);
  }
  if (values.rollback && wanted !== null) {
    throw usage("--rollback and --version cannot be used together");
  }
  // The installer uses the same variable and default.
  const base = (variable("EDOX_BASE_URL") || EDOX_OPS_RELEASES_URL).replace(/\/+$/, "");
  if (!/^https?:\/\//.test(base) || !URL.canParse(base)) {
    const hint = ["sudo", "EDOX_BASE_URL=https://…", "edox-ops", "self-update"];
    throw usage(`EDOX_BASE_URL '${printableAddress(base)}' is no address`, undefined, hint);
  }
  return { program, version: EDOX_OPS_VERSION, shelf: { base, keys: EDOX_OPS_RELEASE_KEYS }, wanted };
}

function downloadedText(bytes: number, total: number): string {
  const megabytes = (count: number): string => (count / 1e6).toFixed(1);
  if (total === 0) return `${megabytes(bytes)} MB`;
  return `${Math.floor((100 * bytes) / total)} %  ${megabytes(bytes)} of ${megabytes(total)} MB`;
}
