const redacted = "[redacted]";

/**
 * A token or a password. It prints as "[redacted]" in any text, JSON, error and log. Only {@link reveal} returns the
 * value: where it leaves this process, as a header, a body, a variable of a child or the text of a file.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** Returns the value. test/text/secret.test.ts lists the files that may call this. */
  reveal(): string {
    return this.#value;
  }

  get isEmpty(): boolean {
    return this.#value === "";
  }

  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  matches(pattern: RegExp): boolean {
    return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, "")).test(this.#value);
  }

  /** Returns a digest, which equal secrets have in common. */
  digest(): string {
    return new Bun.CryptoHasher("sha256").update(this.#value).digest("hex");
  }

  /** Returns the text of a server or a program with this secret redacted. */
  redactIn(text: string): string {
    return this.isEmpty ? text : text.replaceAll(this.#value, redacted);
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [Symbol.toPrimitive](): string {
    return redacted;
  }

  /** What console.log() and inspect() of the runtime print. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return redacted;
  }
}
