import { expect, test } from "bun:test";
import { batchesOf, pipeline } from "../../src/host/pipeline.ts";

/** Takes longer for the first batches than for the last. */
const ended: number[] = [];
const slow = async ([first = 0]: number[]): Promise<number> => {
  await Bun.sleep(first < 4 ? 20 : 1);
  ended.push(first);
  if (first === 4) throw new Error("four");
  return first * 10;
};

test("pipelined: yields results in order while a limited number of batches runs ahead", async () => {
  const begun: number[] = [];
  const seen: unknown[] = [];
  const begin = (batch: number[]): Promise<number> => {
    begun.push(batch[0] ?? 0);
    return slow(batch);
  };
  for await (const [batch, answer] of pipeline(batchesOf([3, 1, 2, 5, 6, 7, 8, 9, 10], 1), begin)) {
    seen.push([batch[0], answer, begun.length]);
  }
  expect(seen[0]).toEqual([3, 30, 7]);
  expect(seen.map((each) => (each as number[])[0])).toEqual([3, 1, 2, 5, 6, 7, 8, 9, 10]);
});

test("pipelined: yields an immediate result before it starts the next batch", async () => {
  let begun = 0;
  const begin = async (): Promise<number> => ++begun;
  for await (const [[number], answer] of pipeline(batchesOf([1, 2, 3], 1), begin)) {
    expect([answer, begun]).toEqual([number as number, number as number]);
  }
});

test("pipelined: throws an error when its batch is due, after all started batches have ended", async () => {
  ended.length = 0;
  const answers: number[] = [];
  const run = async (): Promise<void> => {
    for await (const [, answer] of pipeline(batchesOf([1, 4, 2], 1), slow)) answers.push(answer);
  };
  expect(await run().catch(({ message }) => message)).toBe("four");
  expect(answers).toEqual([10]);
  expect(ended.toSorted()).toEqual([1, 2, 4]);
});

test("pipelined: waits for the started batches if the caller stops early", async () => {
  ended.length = 0;
  for await (const _ of pipeline(batchesOf([1, 2, 3], 1), slow)) break;
  expect(ended.toSorted()).toEqual([1, 2, 3]);
});
