// The seam to the machine: what can be looked at, and what can be changed. No product word in here.

/** What lstat tells, so a link is seen as a link. `changedMs` is the inode's change time, Unix milliseconds. */
export interface Stat {
  type: "file" | "directory" | "link" | "other";
  mode: number;
  uid: number;
  gid: number;
  size: number;
  changedMs: number;
}

/** Who may do what with a path: permission bits without the type, and numeric owners. */
export interface Attributes {
  mode: number;
  uid: number;
  gid: number;
}

/**
 * How a child ended. 127: the program is not there. 126: it cannot be executed, or others than root could change it. 124:
 * it was ended at its time limit. 128 + N: ended by signal N.
 */
export interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

/** What a server answered. `status` 0: nothing, for that reason. Headers by their names in lower case. */
export interface Answer {
  status: number;
  reason: string;
  /** The proxy that may have written this answer itself, as it can over plain HTTP; its address without a password. */
  proxy?: string;
  headers: Record<string, string>;
  body: Uint8Array;
}

export interface AskOptions {
  headers?: Record<string, string>;
  body?: string;
  /** A file of certificates that are trusted besides the system's. */
  caPath?: string;
  /** The Unix socket that is asked, whatever the URL names. */
  socketPath?: string;
  /** For all of it; 30 s without it. */
  limitMs?: number;
}

/** A file that is fetched. */
export interface Wanted {
  /** A server that sends more is refused. */
  mostBytes: number;
  /** A file of certificates that are trusted besides the system's. */
  caPath?: string;
  /** How much of it has come. `total`: 0 where the server does not say. */
  onBytes?: (bytes: number, total: number) => void;
}

/** Free room of the file system that holds a path; `inodes` and `inodesFree` are 0 where it keeps no count (btrfs). */
export interface Space {
  bytesFree: number;
  inodes: number;
  inodesFree: number;
}

export interface RunOptions {
  /** Added to the clean environment of every child. */
  env?: Record<string, string>;
  /** After so many milliseconds the child and its whole session are killed; without it there is no limit. */
  limitMs?: number;
  /** With so many bytes of stdout the program is ended, and has answered: its code is 0. */
  enoughBytes?: number;
  /**
   * At a heeded signal the program is sent SIGINT, because it then ends in order; others are let finish. At its limit
   * it is sent that too, and no more: what it does not end then, it is let finish.
   */
  endsInOrder?: true;
  /** Each line that the program writes to its descriptor 3. */
  onStatus?: (line: string) => void;
  /** Each piece of output as it comes, besides being collected. */
  onOutput?: (text: string) => void;
}

/** One that asked this process to end. A shell counts 128 and its number as the exit code. */
export interface Signal {
  name: "SIGHUP" | "SIGINT" | "SIGTERM";
  number: number;
}

/** Who holds a lock: enough to name it to a person. `sinceMs` is when the process was started. */
export interface Holder {
  pid: number;
  command: string;
  sinceMs: number;
}

/** Thrown where something cannot be looked at, which is neither "is there" nor "is not there". */
export class Unseen extends Error {
  override name = "Unseen";

  constructor(
    message: string,
    /** The command to type. */
    readonly hint?: readonly string[],
  ) {
    super(message);
  }
}

/**
 * Looks, changes nothing. A path that does not exist is `null`; one that may not be looked at throws {@link Unseen}.
 * A broken disk or a path through a file throws the system's own error.
 */
export interface HostReader {
  /** The effective user; 0 is root. */
  readonly uid: number;
  /** Unix milliseconds. */
  now(): number;
  stat(path: string): Stat | null;
  /** The same of what a link leads to in the end. */
  statTarget(path: string): Stat | null;
  /** All of a file. Throws an Error that names one of more than 256 MiB, or without an end. */
  read(path: string): Uint8Array | null;
  /** So many bytes at the most, from the start of a file. */
  head(path: string, bytes: number): Uint8Array | null;
  /**
   * The bytes of a large file without a copy of them. Only for one that is replaced and never shortened: a process that
   * looks at what is gone is ended by the kernel.
   */
  map(path: string): Uint8Array | null;
  /** So many bytes at the most, from the end of a file. */
  tail(path: string, bytes: number): Uint8Array | null;
  /** What a link says; null for what is none. */
  readLink(path: string): string | null;
  /** Names in a directory, sorted. */
  list(path: string): string[] | null;
  space(path: string): Space | null;
  /**
   * The processes that hold an advisory lock on this file. A file nobody has made is held by nobody; one that this user
   * cannot look at throws {@link Unseen}.
   */
  lockHolders(path: string): Holder[];
  /** Runs a program that only looks. Never throws for a program that fails or is missing: see {@link Output}. */
  probe(argv: readonly string[], options?: RunOptions): Promise<Output>;
  /** Asks over HTTP or HTTPS for a small thing. Never throws for a server that refuses or is not there. */
  get(url: string, options?: AskOptions): Promise<Answer>;
  /** A heeded signal ends it early. */
  sleep(ms: number): Promise<void>;
}

/** Acts. Each call is done when it returns, and throws with the path in its message when it could not be done. */
export interface Host extends HostReader {
  /** Replaces or makes a file at once: readers see all of it or none, also after a power cut. Never through a link. */
  writeFile(path: string, bytes: Uint8Array, attributes: Attributes): void;
  /** Adds to the end of a file, made with this mode where it is missing. Unless synced, a power cut may leave zeros of it. */
  append(path: string, text: string, mode: number, synced?: boolean): void;
  makeDirectory(path: string, attributes: Attributes): void;
  /** Of a directory. */
  setAttributes(path: string, attributes: Attributes): void;
  /** Makes a symbolic link, or turns the one that is there, at once. */
  makeLink(path: string, target: string): void;
  /** Takes away a file, a link or an empty directory. */
  remove(path: string): void;
  /**
   * Takes the lock, or names who has it. It dies with this process, and no child inherits it. Its directory is made for
   * this user alone where it is missing; throws where another user could open it, and so hold every lock in it.
   */
  lock(path: string): { release(): void } | Holder;
  run(argv: readonly string[], options?: RunOptions): Promise<Output>;
  /** The same as `get` with what changes something there. A redirect is answered, not followed. */
  send(method: "POST" | "DELETE", url: string, options?: AskOptions): Promise<Answer>;
  /**
   * Fetches a large file to a path where nothing is, for its owner alone. It goes on from where it was cut for as long
   * as more of it comes, and a heeded signal ends it. Answers why it is not there, or null.
   */
  download(url: string, path: string, wanted: Wanted): Promise<string | null>;
  /** From now on a signal does not end this process, so that what is half done can be put back. Answers the first. */
  heedSignals(): () => Signal | null;
}
