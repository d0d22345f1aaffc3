import { lockDir } from "../engine/paths.ts";

/** The installer takes this lock too. */
export const programLockPath = `${lockDir}/program.lock`;
