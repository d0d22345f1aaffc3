// 30 days of jobs on a runner: a few projects have most of them, and half of the images are built anew every week.

import { chance } from "../../integration/rounds.ts";

export const workload = { days: 30, jobsADay: 16, projects: 40 } as const;

/**
 * Everything is a tenth of what a runner with an ext4 of 20 GB has: images of 80 to 580 MB, caches of up to 200 MB, and
 * up to 800 MB that a job writes. All images and caches of these days would take 44 GB.
 */
export const scale = 10;
const roomMiB = Math.floor(20e9 / scale / 1024 ** 2);
export const disk = {
  roomMiB,
  /** What the cleanup keeps free by default: 15 %. */
  keepMiB: Math.floor(0.15 * roomMiB),
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
