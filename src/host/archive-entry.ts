// What a reader of archives does with the entries it finds.

/** Takes entries in the order of the archive. Each method throws {@link Refused} for an entry that is not to be published. */
export interface EntrySink {
  directory(name: string): void;
  link(name: string, target: string): void;
  /** A second name of an earlier file, as a tar has of one with several. */
  copy(name: string, earlier: string): void;
  /** Begins a file, which {@link write} and {@link skip} fill and {@link close} ends. `mode`: permission bits of Unix. */
  open(name: string, mode: number): void;
  write(piece: Uint8Array): void;
  /** Leaves a hole. */
  skip(bytes: number): void;
  close(): void;
}
