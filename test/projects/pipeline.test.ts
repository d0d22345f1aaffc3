import { expect, test } from "bun:test";
import { batchesOf, pipelined } from "../../src/projects/pipeline.ts";

/** Takes longer for the first than for the last. */
const ended: number[] = [];
const slow = async ([first = 0]: number[]): Promise<number> => {
  await Bun.sleep(first < 4 ? 20 : 1);
  ended.push(first);
  if (first === 4) throw new Error("four");
  return first * 10;
};

test("batches are answered in order, each begun before the one before it is done", async () => {
  const all: [number[], number][] = [];
  for await (const each of pipelined(batchesOf([1, 2, 3], 2), slow)) all.push(each);
  expect(all).toEqual([
    [[1, 2], 10],
    [[3], 30],
  ]);
});

test("a failure is told in its turn, and not before all that was begun has ended", async () => {
  ended.length = 0;
  const answers: number[] = [];
  const run = async (): Promise<void> => {
    for await (const [, answer] of pipelined(batchesOf([1, 4, 2], 1), slow)) answers.push(answer);
  };
  expect(await run().catch(({ message }) => message)).toBe("four");
  expect(answers).toEqual([10]);
  expect(ended.toSorted()).toEqual([1, 2, 4]);
});

test("whoever stops looking waits for what was begun", async () => {
  ended.length = 0;
  for await (const _ of pipelined(batchesOf([1, 2, 3], 1), slow)) break;
  expect(ended.toSorted()).toEqual([1, 2, 3]);
});
