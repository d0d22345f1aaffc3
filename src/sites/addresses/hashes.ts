// A set of texts that only needs to know whether it contains one. It takes eight bytes for each.

const firstLength = 1024;

/** Returns a number that practically no other text has. */
function hashOf(text: string): number {
  // A double represents integers of 53 bits.
  return Number(Bun.hash.xxHash3(text) >> 11n);
}

export class Hashes {
  #all = new Float64Array(firstLength);
  #length = 0;
  #isSorted = true;

  add(text: string): void {
    if (this.#length === this.#all.length) this.#makeRoom();
    this.#all[this.#length++] = hashOf(text);
    this.#isSorted = false;
  }

  has(text: string): boolean {
    return this.#find(hashOf(text));
  }

  /** Removes all texts that another set has. Returns whether any is left. */
  without(other: Hashes): boolean {
    this.#sort();
    this.#keep((hash) => !other.#find(hash));
    return this.#length > 0;
  }

  #find(hash: number): boolean {
    this.#sort();
    let [low, high] = [0, this.#length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#all[middle] as number) < hash) low = middle + 1;
      else high = middle;
    }
    return low < this.#length && this.#all[low] === hash;
  }

  #sort(): void {
    if (this.#isSorted) return;
    this.#all.subarray(0, this.#length).sort();
    this.#keep((hash, i) => i === 0 || hash !== this.#all[i - 1]);
    this.#isSorted = true;
  }

  #keep(isKept: (hash: number, i: number) => boolean): void {
    // A kept hash never moves behind one that is still compared.
    const kept = this.#all.subarray(0, this.#length).filter(isKept);
    this.#all.set(kept);
    this.#length = kept.length;
  }

  /** Links repeat from page to page, so most of a full set are the same. */
  #makeRoom(): void {
    this.#sort();
    if (this.#length * 2 <= this.#all.length) return;
    const larger = new Float64Array(this.#all.length * 2);
    larger.set(this.#all);
    this.#all = larger;
  }
}
