// Work on many files that is begun in batches and ends in order.

/** After so many a caller is asked whether to go on. */
export const filesABatch = 256;
/** Begun before the first has to be done. */
const ahead = 6;

/**
 * Each batch with its answer, as soon as it is known. However it ends, nothing of it is still under way; that something
 * failed is told in its turn.
 */
export async function* pipelined<B, R>(
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
      // What was done at once is known after this.
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

/** The last may have fewer. */
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
