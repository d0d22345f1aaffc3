// Work on many files that is begun in batches and ends in order.

/** After so many a caller is asked whether to go on. */
export const filesABatch = 256;
/** Begun before the first has to be done. */
const ahead = 6;

/** Each batch with its answer. However it ends, nothing of it is still under way. */
export async function* pipelined<B, R>(batches: Iterable<B>, begin: (batch: B) => Promise<R>): AsyncGenerator<[B, R]> {
  const under: [B, Promise<R>][] = [];
  try {
    for (const batch of batches) {
      const answer = begin(batch);
      // That it failed is told in its turn.
      answer.catch(() => undefined);
      under.push([batch, answer]);
      if (under.length > ahead) yield await first();
    }
    while (under.length > 0) yield await first();
  } finally {
    await Promise.allSettled(under.map(([, answer]) => answer));
  }

  async function first(): Promise<[B, R]> {
    const [batch, answer] = under[0] as [B, Promise<R>];
    const done = await answer;
    under.shift();
    return [batch, done];
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
