// The checks of doctor, for the commands that perform them.

import type { Host } from "../host/host.ts";
import type { Context } from "./context.ts";

/** Checks the host as doctor does. `online`: whether servers other than those of this host may be contacted. */
export async function examineHost(host: Host, { trees }: Pick<Context, "trees">, online = false) {
  const [{ examineFeatures }, { features }, { snapshot }] = [
    await import("../doctor/collect.ts"),
    await import("./features.ts"),
    await import("../engine/snapshot.ts"),
  ];
  return examineFeatures(Object.values(features), { reader: snapshot(host), host, trees, online });
}
