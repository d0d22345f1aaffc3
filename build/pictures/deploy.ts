import { keepOf } from "../../src/cli/project/release-flags.ts";
import { backupsDir, docsRoot } from "../../src/engine/paths.ts";
import type { Picture } from "./picture.ts";

const live = `${docsRoot}/SLUG`;
const kept = keepOf(undefined);

export const deploy: Picture = {
  title: "What a deploy does",
  description: `nginx serves ${live} at every moment. 1. Stage: release 8 is built from the source beside the live release 7; files that did not change are hard links. 2. Swap: the two trees exchange their names in one call of the kernel, and release 7 becomes a backup in ${backupsDir}, which keeps ${kept}. If the page that nginx serves then is wrong, they are swapped back. 3. Roll back: the same swap, with a backup.`,
  boxes: {
    nginx: { title: "nginx", text: "serves the live release at every moment", code: [live] },
    live1: { title: "Release 7", text: "live", kind: "strong" },
    next: { title: "Release 8", text: "not served yet", kind: "soft" },
    source: { title: "Source", text: "changed files are copied, all others are hard links" },
    live2: { title: "Release 8", text: "live", kind: "strong" },
    old: { title: "Release 7", text: `one of ${kept} backups` },
    probe: { title: "Probe", text: "asks nginx for the page, swaps back if it is wrong" },
    live3: { title: "Release 7", text: "live", kind: "strong" },
    left: { title: "Release 8", text: "a backup" },
    command: { title: "Your command", code: ["edox-ops project rollback SLUG"] },
  },
  frames: [
    { label: "1 Stage", boxes: ["live1", "next", "source"] },
    { label: "2 Swap", boxes: ["live2", "old", "probe"] },
    { label: "3 Roll back", boxes: ["live3", "left", "command"] },
  ],
  arrows: [
    { from: "nginx", to: "live1", only: "wide" },
    { from: "nginx", to: "live2", only: "wide" },
    { from: "nginx", to: "live3", only: "wide" },
    { from: "source", to: "next" },
    { from: "live2", to: "old", both: true, label: "atomic" },
    { from: "live3", to: "left", both: true, label: "atomic" },
  ],
  layouts: {
    wide: ["nginx nginx nginx", "live1 live2 live3", "next old left", "source probe command"],
    narrow: ["nginx nginx", "live1 next", "source source", "live2 old", "probe probe", "live3 left", "command command"],
  },
};
