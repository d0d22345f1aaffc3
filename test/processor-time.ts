/**
 * Returns the seconds of processor time that a piece of work takes in this process. What other programs do meanwhile does
 * not count, so that a bound on it also holds on a busy machine.
 */
export async function processorTime(work: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  await work();
  return process.cpuUsage(start).user / 1_000_000;
}
