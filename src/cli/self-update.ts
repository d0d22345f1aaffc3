import { shownAddress } from "../engine/fetch.ts";
import type { Offer, Order, Updated } from "../self-update/update.ts";
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
    const { aptLine, offered, previousVersion, rollBack, update } = await import("../self-update/update.ts");
    const { isOwn, isPackaged, lockOf } = await import("../self-update/program.ts");
    const { demandRoot, interruption, takeLock } = await import("./run.ts");
    const { lineFor } = await import("./teller.ts");
    const { console, hint, typed } = context;
    const order = await orderOf(values, context);
    const { program, version, wanted } = order;
    const [host, trees] = [await context.host(), await context.trees()];
    const owns = isOwn(host, program);

    if (values.check || values["dry-run"]) {
      if (!values.rollback) return tellOffer(await offered(host, order));
      const to = await previousVersion(order, host);
      const next = shellLine(hint(itself("--rollback")));
      return tell(`edox-ops ${version} can go back to ${to}: ${next}`, "pending", {
        from: version,
        to,
        previous: null,
      });
    }
    if (!owns) demandRoot(host, context);
    const lock = await takeLock(host, lockOf(host, program), itself(...typed.slice(1)));
    try {
      if (values.rollback)
        return await tellUpdated(await told(`${version} goes back`, () => rollBack(order, host, trees)));
      const offer = await offered(host, order);
      if (offer.same) return await tellOffer(offer);
      const signal = host.heedSignals();
      const stop = () => interruption(signal(), itself(...typed.slice(1)));
      const line = lineFor(values, console, stop);
      line?.begin("self-update");
      const onBytes = (bytes: number, total: number) => line?.say(downloaded(bytes, total));
      const updated = await told(`${version} becomes ${offer.release.version}`, () => {
        return update(order, offer, host, trees, stop, onBytes).finally(() => line?.clear());
      });
      return await tellUpdated(updated);
    } finally {
      lock.release();
    }

    /** Returns this command as it is typed here, with the same release source. */
    function itself(...flags: string[]): string[] {
      const from = context.variable("EDOX_BASE_URL") ? [`EDOX_BASE_URL=${shownAddress(order.shelf.base)}`] : [];
      return [...(owns ? [] : ["sudo"]), ...from, "edox-ops", "self-update", ...flags];
    }

    /** Logs the update, so that an admin can find out when the program was replaced. */
    async function told(title: string, run: () => Promise<Updated>): Promise<Updated> {
      if (host.uid !== 0) return run();
      const { logged, runLog } = await import("../report/run-log.ts");
      const { logDir } = await import("../engine/paths.ts");
      const log = runLog(`${logDir}/self-update.log`, host, (sentence) => console.err(lineOf`warning: ${sentence}`));
      const step = { id: "program.update", title: `${program}: ${title}` };
      return logged(log, step, run, () => ({ outcome: "changed", warnings: [] }));
    }

    function tellOffer({ same, release, asset }: Offer): Promise<number> {
      const to = release.version;
      const update = { from: version, to, previous: null };
      const which = wanted === null ? "the latest release" : "installed already";
      if (same) return tell(`edox-ops ${to} is ${which}`, "ok", update);
      const from = `, from ${shownAddress(release.addressOf(asset))}`;
      const next = isPackaged(host, program)
        ? `${shellLine(hint(aptLine(asset)))}${from}`
        : shellLine(hint(itself(...(wanted === null ? [] : ["--version", to]))));
      const what =
        to === version ? `this is not edox-ops ${to} as it was released` : `edox-ops ${version} can become ${to}`;
      return tell(`${what}: ${next}`, "pending", update);
    }

    function tellUpdated(updated: Updated): Promise<number> {
      const back = `back: ${shellLine(hint(itself("--rollback")))}`;
      const way = updated.previous === null ? "this file system does not keep the one before" : back;
      return tell(`edox-ops ${updated.from} -> ${updated.to}: ${program} (${way})`, "changed", updated);
    }

    async function tell(text: string, outcome: "ok" | "pending" | "changed", update: Updated): Promise<number> {
      const exit = outcome === "pending" && values.check ? exitCode.pending : exitCode.done;
      if (values.json) {
        const { jsonOf } = await import("../report/json.ts");
        await console.out(jsonOf({ command: "self-update", outcome, exit, update: { path: program, ...update } }));
      } else if (!values.quiet) await console.out(lineOf`${text}`);
      return exit;
    }
  },
});

async function orderOf(values: Values, { program, variable }: Context): Promise<Order> {
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
    throw usage(`EDOX_BASE_URL '${shownAddress(base)}' is no address`, undefined, hint);
  }
  return { program, version: EDOX_OPS_VERSION, shelf: { base, keys: EDOX_OPS_RELEASE_KEYS }, wanted };
}

function downloaded(bytes: number, total: number): string {
  const megabytes = (count: number): string => (count / 1e6).toFixed(1);
  if (total === 0) return `${megabytes(bytes)} MB`;
  return `${Math.floor((100 * bytes) / total)} %  ${megabytes(bytes)} of ${megabytes(total)} MB`;
}
