// 30 days of jobs on a runner: a few projects have most of them, and half of the images are built anew every week.

import { chance } from "../../integration/rounds.ts";

export const workload = { days: 30, jobsADay: 16, projects: 40 } as const;

/** The space that all images and caches of these days would take is 4.4 GB. */
export const disk = {
  /** What the engine may use. */
  roomMiB: 1800,
  /** What the cleanup keeps free of it. */
  keepMiB: 300,
  /** What a job writes into its container at most. */
  writesMiB: 80,
} as const;

export interface PlannedJob {
  project: number;
  /** The version of the image of the project. */
  version: number;
  /** The size of the image in bytes. */
  bytes: number;
  writesMiB: number;
  cachesMiB: number;
}

/** Returns the jobs of a day. They depend only on the day and the seed. */
export function jobsOf(day: number): PlannedJob[] {
  return Array.from({ length: workload.jobsADay }, (_, index) => {
    const project = Math.floor(workload.projects * chance("project", String(day), String(index)) ** 3);
    return {
      project,
      version: project % 2 === 0 ? Math.floor((day + project) / 7) : 0,
      bytes: Math.floor(8e6 + 50e6 * chance("size", String(project))),
      writesMiB: Math.floor(disk.writesMiB * chance("work", String(day), String(index))),
      cachesMiB: Math.floor(20 * chance("cache", String(project))),
    };
  });
}
