import { Problem } from "../../problem/problem.ts";
import { throwIfInterrupted } from "../../problem/wait.ts";
import type { LinkReport } from "../../sites/addresses/link-check.ts";
import { countOf, oneLine } from "../../text/lines.ts";
import { usage } from "../arguments.ts";
import { command, type Values } from "../command.ts";
import { type Context, exitCode } from "../context.ts";
import { outputFlags } from "../flags.ts";
import { printFound } from "../view.ts";
import { selectionOf } from "./deploy.ts";
import { slugArgument, slugOf } from "./record.ts";
import { sourceArgument, sourceFlags, sourceOf } from "./release-flags.ts";

const checkedSource = {
  from: { ...sourceArgument.from, description: "Directory or archive to check; without one, the live site" },
  ...sourceFlags,
  subdir: { ...sourceFlags.subdir, description: "Check only this directory of the source" },
  include: {
    ...sourceFlags.include,
    description: "Check these files although they look like secrets or version control data",
  },
} as const;

export default command({
  meta: {
    name: "check-links",
    description: "Check the links between the pages of a site (read-only)",
    long: [
      "Without a source it checks the live site; with one, the files that a deploy of it would publish.",
      "It reports links to pages, files and anchors that do not exist.",
      "The addresses are those that nginx would serve, so that a link to /guide leads to guide.html.",
      "Links to other sites are not requested.",
      "The exit code is 1 if a link is broken.",
    ],
    examples: [
      "sudo edox-ops project check-links docs",
      "sudo edox-ops project check-links docs public",
      "sudo edox-ops project check-links docs site.tar.gz --subdir public --json",
    ],
  },
  args: { ...slugArgument, ...checkedSource, json: outputFlags.json },
  async run(values, context) {
    const report = await check(values, context);
    const { pages, links: checked, broken, listed: list } = report;
    return printFound(context, values.json, {
      document: { links: { pages, checked, broken, list } },
      ...(broken > 0 && { outcome: "failed", exit: exitCode.failed }),
      async view(view) {
        const { linksTable } = await import("./check-links-view.ts");
        return linksTable(report, view);
      },
      text() {
        const lines = list.map((each) => `${[each.page, each.link, problemText(each)].map(oneLine).join("\t")}\n`);
        return `${lines.join("")}${summary(report)}\n`;
      },
    });
  },
});

/** Returns what is wrong with a link. */
export function problemText({ problem, instead }: LinkReport["listed"][number]): string {
  switch (problem) {
    case "not-found":
      return "not found";
    case "wrong-case":
      return `not found, but ${instead} exists`;
    case "no-anchor":
      return "no such anchor";
    case "invalid":
      return "not a valid address";
  }
}

/** Returns the sentence about all links. */
export function summary({ pages, links, broken }: LinkReport): string {
  const of = `of ${countOf(links, "link")} on ${countOf(pages, "page")}`;
  if (broken === 0) return `No broken links: ${countOf(links, "link")} on ${countOf(pages, "page")}.`;
  return broken === 1 ? `1 ${of} is broken.` : `${broken} ${of} are broken.`;
}

async function check(values: Values, context: Context): Promise<LinkReport> {
  const { Locks } = await import("../../run/locks.ts");
  const { checkSite } = await import("../../sites/addresses/checked-site.ts");
  const { signalPause } = await import("../../sites/deploy/deploy.ts");
  const { projectLockPath } = await import("../../sites/deploy/releases.ts");
  const { theProject } = await import("../../sites/store.ts");
  const slug = slugOf(values);
  const source = sourceOf(values);
  const lone = ["subdir", "exclude", "include", "dereference"].find((flag) => values[flag] !== undefined);
  if (source === undefined && lone !== undefined) throw usage(`--${lone} needs a source`);
  const selection = source === undefined ? null : { source, subdir: (values.subdir ?? null) as string | null };
  const select = selectionOf(values);
  const [host, trees] = [await context.host(), await context.trees()];
  const project = await theProject(host, slug);
  const again = ["sudo", "edox-ops", ...context.typed];
  // An unpacked archive is removed before a signal ends the run.
  const signal = host.catchSignals();
  const stop = (): Problem | null => {
    const caught = signal();
    if (caught === null) return null;
    const { name, number } = caught;
    return new Problem("interrupted", `interrupted by ${name}`, { returncode: 128 + number, hint: again });
  };
  const pause = signalPause(host, () => throwIfInterrupted(stop));
  const locks = new Locks(host);
  try {
    // A deploy of the project unpacks its archive in the same place.
    if (host.uid === 0 && selection !== null) {
      await locks.take({ name: "project", path: projectLockPath(slug), again });
    }
    const trusted = [0, Number(context.variable("SUDO_UID") ?? 0)];
    const dereference = values.dereference === true;
    return await checkSite(host, trees, {
      ...{ project, again, pause },
      selection: selection && { ...selection, trusted, dereference, select },
    });
  } finally {
    locks.releaseAll();
  }
}
