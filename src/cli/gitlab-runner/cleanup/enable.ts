import { lifetimeOf } from "../../../sites/previews/expiry.ts";
import { usage } from "../../arguments.ts";
import { command } from "../../command.ts";
import { changeFlags } from "../../flags.ts";
import { change } from "../../run.ts";

const { only: _, skip: __, ...flags } = changeFlags;

const units: Record<string, number> = { MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4, MB: 1e6, GB: 1e9, TB: 1e12 };
/** Less would not hold one image. More than this share would leave nothing for a cache. */
const leastBytes = 100e6;
const mostShare = 0.9;

export default command({
  meta: {
    name: "enable",
    description: "Remove what CI jobs no longer use, before the disk is full",
    long: [
      "A timer checks every five minutes how much space is free on the disks of Docker.",
      "Below --keep it removes what jobs used longest ago: images, build cache, stopped containers and cache volumes.",
      "Images that are here already stay, because nothing shows who pulled them.",
      "To change a setting, run it again.",
    ],
    examples: [
      "sudo edox-ops gitlab-runner cleanup enable --yes",
      "sudo edox-ops gitlab-runner cleanup enable --keep 20GiB --unused-for 7d --dry-run",
    ],
  },
  args: {
    keep: {
      type: "string",
      valueHint: "size",
      description: "Space to keep free, for example 20GiB or 20%; 15% by default",
    },
    "unused-for": {
      type: "string",
      valueHint: "time",
      description: "Also remove what no job used for this time, for example 7d; never by default",
    },
    ...flags,
  },
  steps: async (_facts, host) => {
    const { enablement } = await import("../../../runner/cleanup/recipe.ts");
    const { defaultSettings } = await import("../../../runner/cleanup/settings.ts");
    return enablement(host, defaultSettings, "edox-ops").steps;
  },
  async run(values, context) {
    const { defaultSettings, readSettings } = await import("../../../runner/cleanup/settings.ts");
    const { enablement } = await import("../../../runner/cleanup/recipe.ts");
    const { cleanupPath } = await import("../../../runner/paths.ts");
    const host = await context.host();
    const keep = values.keep === undefined ? null : keepOf(values.keep);
    const unused = values["unused-for"] === undefined ? null : unusedOf(values["unused-for"]);
    const recipe = () => {
      // A user other than root may not read the settings, and sees the plan of the default ones.
      const isReadable = host.uid === 0 && host.stat(cleanupPath) !== null;
      const before = (isReadable && readSettings(host)) || defaultSettings;
      const settings = { ...before, ...(keep && { keep }), ...(unused && unused) };
      return enablement(host, settings, context.program);
    };
    return change(recipe, values, context);
  },
});

/** Parses a size or a share of the disk. Throws a usage Problem for anything else. */
function keepOf(typed: string): { bytes: number } | { share: number } {
  const [, percent] = /^(\d{1,2}(?:\.\d)?)%$/.exec(typed) ?? [];
  const share = Number(percent) / 100;
  if (share >= 0.01 && share <= mostShare) return { share };
  const [, number, unit = ""] = /^(\d{1,7})([KMGT]i?B)$/.exec(typed) ?? [];
  const bytes = Number(number) * (units[unit] ?? Number.NaN);
  if (Number.isSafeInteger(bytes) && bytes >= leastBytes) return { bytes };
  throw usage(`invalid size '${typed}' for --keep (for example 20GiB, or 15%; at least 100MB and at most 90%)`);
}

/** Parses a time, or `never`. Throws a usage Problem for anything else. */
function unusedOf(typed: string): { unusedForMs: number | null } {
  const unusedForMs = lifetimeOf(typed);
  if (unusedForMs !== undefined) return { unusedForMs };
  throw usage(`invalid duration '${typed}' for --unused-for (for example 12h, 7d, at most 365d, or never)`);
}
