// Processes many files in batches that run concurrently and finish in order.

/** Files per batch. The caller can stop between two batches. */
export const filesABatch = 256;
/** Number of batches that may be started before the first is finished. */
const ahead = 6;

/**
 * Yields each batch with its result, in order, as soon as it is known. When the generator ends, also early, no batch is
 * still running. An error is thrown when its batch is due.
 */
export async function* pipeline<B, R>(
  batches: Iterable<B> | AsyncIterable<B>,
  begin: (batch: B) => Promise<R>,
): AsyncGenerator<[B, R]> {
  const under: { batch: B; answer: Promise<R>; isDone: boolean }[] = [];
  try {
    for await (const batch of batches) {
      const work = { batch, answer: begin(batch), isDone: false };
      const done = (): void => {
        work.isDone = true;
      };
      work.answer.then(done, done);
      under.push(work);
      // A batch that finishes immediately is known to be finished after this.
      await null;
      while (under.length > ahead || under[0]?.isDone) yield await first();
    }
    while (under.length > 0) yield await first();
  } finally {
    await Promise.allSettled(under.map(({ answer }) => answer));
  }

  async function first(): Promise<[B, R]> {
    const [{ batch, answer }] = under as [(typeof under)[number]];
    const found = await answer;
    under.shift();
    return [batch, found];
  }
}

/** Splits a sequence into batches of `size`. The last batch may be smaller. */
export function* batchesOf<T>(all: Iterable<T>, size: number): Generator<T[]> {
  let batch: T[] = [];
  for (const each of all) {
    batch.push(each);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
