// The interface between the archive readers and the code that creates the entries.

/**
 * Receives entries in the order of the archive. Each method throws {@link Refused} for an entry that must not be
 * published.
 */
export interface EntrySink {
  directory(name: string): void;
  link(name: string, target: string): void;
  /** Creates a second name for an earlier file. A tar stores the hard links of a file this way. */
  copy(name: string, earlier: string): void;
  /**
   * Opens a file. Calls of {@link write} and {@link skip} fill it, and {@link close} ends it. `mode`: Unix permission
   * bits.
   */
  open(name: string, mode: number): void;
  write(piece: Uint8Array): void;
  /** Leaves a hole of this many bytes. */
  skip(bytes: number): void;
  close(): void;
}
