import { logDir } from "../engine/paths.ts";

export const bootstrapLogPath = `${logDir}/bootstrap.log`;

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [bootstrapLogPath, "log of bootstrap"],
];
