import { logDir } from "../engine/paths.ts";

export const bootstrapLogPath = `${logDir}/bootstrap.log`;
