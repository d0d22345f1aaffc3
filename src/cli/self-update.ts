import type { Order, Updated } from "../release/update.ts";
import { usage } from "./arguments.ts";
import { command, type Values } from "./command.ts";
import { type Context, exitCode } from "./context.ts";
import { outputFlags } from "./flags.ts";

const itself = ["sudo", "edox-ops", "self-update"];

export default command({
  meta: { name: "self-update", description: "replace this program by its latest release" },
  args: {
    version: { type: "string", valueHint: "X.Y.Z", description: "by that release, which may be an older one" },
    check: { type: "boolean", description: "only say whether there is another one: exits 3 where there is" },
    rollback: { type: "boolean", description: "go back to the one before this one" },
    ...outputFlags,
  },
  async run(values, context) {
    const { offered, rollBack, update } = await import("../release/update.ts");
    const { folderOf } = await import("../release/program.ts");
    const { demandRoot, interruption, takeLock } = await import("./run.ts");
    const { lineFor } = await import("./teller.ts");
    const { console, hint, typed } = context;
    const order = await orderOf(values, context);
    const [host, trees] = [await context.host(), await context.trees()];

    if (values.rollback) return tellUpdated(await locked(() => rollBack(order, host, trees)));
    const offer = await offered(host, order);
    const to = offer.release.version;
    if (offer.same) {
      const which = order.wanted === null ? "the latest release" : "installed already";
      return tell(`edox-ops ${to} is ${which}`, "ok", { from: order.version, to, previous: null });
    }
    if (values.check) {
      const next = hint([...itself, ...(order.wanted === null ? [] : ["--version", to])]).join(" ");
      const text = `edox-ops ${order.version} can become ${to}: ${next}`;
      return tell(text, "pending", { from: order.version, to, previous: null });
    }
    return tellUpdated(
      await locked(async () => {
        const signal = host.heedSignals();
        const stop = () => interruption(signal(), ["sudo", "edox-ops", ...typed]);
        const line = lineFor(values, console, stop);
        line?.begin("self-update");
        const onBytes = (bytes: number, total: number) => line?.say(downloaded(bytes, total));
        return update(order, offer, host, trees, stop, onBytes).finally(() => line?.clear());
      }),
    );

    /** By root, or by whoever has the program as their own. The installer takes the same lock, that of the folder. */
    async function locked(run: () => Promise<Updated>): Promise<Updated> {
      if (host.stat(order.program)?.uid !== host.uid) demandRoot(host, context);
      const lock = await takeLock(host, folderOf(order.program), ["sudo", "edox-ops", ...typed]);
      return run().finally(() => lock.release());
    }

    async function tellUpdated(updated: Updated): Promise<number> {
      const back = hint([...itself, "--rollback"]).join(" ");
      const way = updated.previous === null ? "this file system does not keep the one before" : `back: ${back}`;
      return tell(`edox-ops ${updated.from} -> ${updated.to}: ${order.program} (${way})`, "changed", updated);
    }

    async function tell(text: string, outcome: "ok" | "pending" | "changed", update: Updated): Promise<number> {
      const exit = outcome === "pending" ? exitCode.pending : exitCode.done;
      if (values.json) {
        const { jsonOf } = await import("../report/json.ts");
        const document = { command: "self-update", outcome, exit, update: { path: order.program, ...update } };
        await console.out(jsonOf(document));
      } else if (!values.quiet) await console.out(`${text}\n`);
      return exit;
    }
  },
});

async function orderOf(values: Values, { program, variable }: Context): Promise<Order> {
  const { isVersion } = await import("../release/published.ts");
  const wanted = values.version === undefined ? null : String(values.version).replace(/^v/, "");
  if (wanted !== null && !isVersion(wanted)) {
    throw usage(`--version '${values.version}' is no version`, undefined, [...itself, "--version", "X.Y.Z"]);
  }
  if (values.rollback && (values.check || wanted !== null)) {
    throw usage("--rollback goes to the one before this one: --check and --version say another thing");
  }
  // As the installer has it.
  const base = (variable("EDOX_BASE_URL") || EDOX_OPS_RELEASES_URL).replace(/\/+$/, "");
  if (!/^https?:\/\//.test(base) || !URL.canParse(base)) {
    throw usage(`EDOX_BASE_URL '${base}' is no address`, undefined, [
      "sudo",
      "EDOX_BASE_URL=https://…",
      ...itself.slice(1),
    ]);
  }
  return { program, version: EDOX_OPS_VERSION, shelf: { base, keys: EDOX_OPS_RELEASE_KEYS }, wanted };
}

function downloaded(bytes: number, total: number): string {
  const megabytes = (count: number): string => (count / 1e6).toFixed(1);
  if (total === 0) return `${megabytes(bytes)} MB`;
  return `${Math.floor((100 * bytes) / total)} %  ${megabytes(bytes)} of ${megabytes(total)} MB`;
}
