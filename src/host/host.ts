// The interface to the machine: what can be read and what can be changed. It contains no product names.

/**
 * The result of lstat, so a symbolic link is reported as a link. `changedMs` is the inode's change time, Unix
 * milliseconds.
 */
export interface Stat {
  type: "file" | "directory" | "link" | "other";
  mode: number;
  uid: number;
  gid: number;
  size: number;
  changedMs: number;
}

/** Permission bits without the file type, and numeric owners. */
export interface Attributes {
  mode: number;
  uid: number;
  gid: number;
}

/** Returns whether mode, owner and group are these. */
export function hasAttributes(actual: Attributes, { mode, uid, gid }: Attributes): boolean {
  return actual.mode === mode && actual.uid === uid && actual.gid === gid;
}

/** A regular file with the status that it had when it was read. */
export interface OwnFile {
  bytes: Uint8Array;
  stat: Stat;
}

/**
 * The result of a child process. 127: the program was not found. 126: it cannot be executed, or users other than root
 * can change it. 124: it was killed at its timeout. 128 + N: it was killed by signal N.
 */
export interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

/** A regular file that stays open and is read by position, because its size may exceed the memory. */
export interface LargeFile {
  /** Its size in bytes when it was opened. */
  size: number;
  /**
   * Returns `length` bytes from this position, or fewer at the end of the file. `buffer`: memory for them, which the
   * caller reuses for its next read. Throws the system's error.
   */
  read(offset: number, length: number, buffer?: Uint8Array): Uint8Array;
  close(): void;
}

/** A file that is written in pieces. It has its name only after {@link NewFile.commit}. */
export interface NewFile {
  write(bytes: Uint8Array): void;
  /** Syncs the file and gives it its name, in place of a file that has this name. */
  commit(): void;
  /** Removes what was written. Does nothing after a commit. */
  abort(): void;
}

/** An HTTP response. `status` 0 means that there was none, and `reason` says why. Header names are in lower case. */
export interface HttpResponse {
  status: number;
  reason: string;
  /** The proxy that may have written this response itself, as it can over plain HTTP. Its address has no password. */
  proxy?: string;
  headers: Record<string, string>;
  body: Uint8Array;
}

export interface RequestOptions {
  headers?: Record<string, string>;
  body?: string;
  /** A file of certificates that are trusted in addition to the system's. */
  caPath?: string;
  /** The Unix socket that receives the request, regardless of the host in the URL. */
  socketPath?: string;
  /** Timeout of the whole request in milliseconds; 30 s by default. */
  limitMs?: number;
}

/** Options of a download. */
export interface DownloadOptions {
  /** The download fails if the server sends more than this. */
  mostBytes: number;
  /** A file of certificates that are trusted in addition to the system's. */
  caPath?: string;
  /** Reports the number of bytes received so far. `total` is 0 if the server does not announce it. */
  onBytes?: (bytes: number, total: number) => void;
}

/**
 * Free space of the file system that holds a path. `inodes` and `inodesFree` are 0 if it does not count inodes (btrfs).
 */
export interface Space {
  bytesFree: number;
  /** The size of the file system. */
  bytes?: number;
  inodes: number;
  inodesFree: number;
}

export interface RunOptions {
  /** Variables added to the clean environment that every child gets. */
  env?: Record<string, string>;
  /** Timeout in milliseconds after which the child and its whole session are killed. There is none by default. */
  limitMs?: number;
  /** After this many bytes of stdout the program is killed and counts as successful: its exit code is 0. */
  enoughBytes?: number;
  /**
   * On a signal to this process the program receives SIGINT, because it then stops gracefully; others run to their end.
   * On timeout it also receives SIGINT and nothing else: if it does not stop, it runs to its end.
   */
  endsInOrder?: true;
  /** What the program reads from its stdin. It is empty by default. An error that it throws kills the program. */
  input?: AsyncIterable<Uint8Array>;
  /** Called for each line that the program writes to its descriptor 3. */
  onStatus?: (line: string) => void;
  /** Called for each piece of output as it arrives, in addition to collecting it. */
  onOutput?: (text: string) => void;
  /** Called for each line of stderr. Once it returns true, the program and its whole session are killed. */
  endsWhen?: (line: string) => boolean;
}

/** The addresses of a name in the DNS. */
export interface Resolution {
  /** Those of its A records, then those of its AAAA records. */
  addresses: string[];
  /** Why there are none: no such record, a name server with a fault, or none that answers. */
  failure: "no-record" | "server-failure" | "no-answer" | null;
}

/** A signal that asked this process to end. A shell reports it as exit code 128 plus its number. */
export interface Signal {
  name: "SIGHUP" | "SIGINT" | "SIGTERM";
  number: number;
}

/** The holder of a lock, with enough detail to name it in a message. `sinceMs` is when the process was started. */
export interface Holder {
  pid: number;
  command: string;
  sinceMs: number;
}

/** Thrown if a path cannot be inspected, so that it is neither known to exist nor known to be missing. */
export class UnknownStateError extends Error {
  override name = "UnknownStateError";

  constructor(
    message: string,
    /** The command to suggest. */
    readonly hint?: readonly string[],
  ) {
    super(message);
  }
}

/**
 * Reads the machine and changes nothing. A path that does not exist is `null`. A path that this user may not read
 * throws {@link UnknownStateError}. An I/O error, or a path that leads through a file, throws the system's error.
 */
export interface HostReader {
  /** The effective user ID; 0 is root. */
  readonly uid: number;
  /** Returns the current time in Unix milliseconds. */
  now(): number;
  stat(path: string): Stat | null;
  /** Same as `stat`, but follows symbolic links. */
  statTarget(path: string): Stat | null;
  /**
   * Returns the content of a file. Throws an Error that names a file that is larger than 256 MiB or that never ends.
   */
  read(path: string): Uint8Array | null;
  /**
   * Reads a regular file that a user other than root may own, and returns null for anything else. Throws an Error that
   * names a symbolic or hard link of that user, which could lead to a file of root.
   */
  readOwn(path: string): OwnFile | null;
  /** Returns at most this many bytes from the start of a file. */
  head(path: string, bytes: number): Uint8Array | null;
  /**
   * Maps a large file into memory without copying it. Only for a file that is replaced by rename and never truncated:
   * the kernel kills a process that reads a mapped page that no longer exists.
   */
  map(path: string): Uint8Array | null;
  /** Returns at most this many bytes from the end of a file. */
  tail(path: string, bytes: number): Uint8Array | null;
  /** Opens a regular file, also through a symbolic link. Returns null for anything else. */
  openFile(path: string): LargeFile | null;
  /** Returns the target of a symbolic link, or null for anything else. */
  readLink(path: string): string | null;
  /** Returns the names in a directory, sorted. */
  list(path: string): string[] | null;
  space(path: string): Space | null;
  /**
   * Returns the processes that hold an advisory lock on this file. A file that does not exist has no holders. A file
   * that this user cannot inspect throws {@link UnknownStateError}.
   */
  lockHolders(path: string): Holder[];
  /** Runs a program that only reads. Never throws for a program that fails or is missing: see {@link Output}. */
  probe(argv: readonly string[], options?: RunOptions): Promise<Output>;
  /** Sends an HTTP or HTTPS request for a small resource. Never throws if the server refuses or cannot be reached. */
  get(url: string, options?: RequestOptions): Promise<HttpResponse>;
  /**
   * Asks the DNS for the addresses of a name, also through a CNAME record. Regards neither /etc/hosts nor a search
   * domain. Never throws.
   */
  resolve(name: string, options: { limitMs: number }): Promise<Resolution>;
  /** Waits this many milliseconds, or until a signal that was caught by `catchSignals` arrives. */
  sleep(ms: number): Promise<void>;
}

/**
 * Changes the machine. Each call is complete when it returns. If it fails, it throws an error with the path in its
 * message. A symbolic link on the way to a path is followed only if root owns it, or if it leads to a directory of its
 * own owner. Other users cannot redirect a call that has begun.
 */
export interface Host extends HostReader {
  /**
   * Creates or replaces a file atomically: readers see either the old or the new content, also after a power cut. Never
   * writes through a symbolic link.
   */
  writeFile(path: string, bytes: Uint8Array, attributes: Attributes): void;
  /**
   * Begins a file that may exceed the memory, in a temporary file beside it. As in {@link writeFile}, readers see either
   * the old or the new content. The file belongs to this user if no owner is given.
   */
  createFile(path: string, attributes: Pick<Attributes, "mode"> & Partial<Attributes>): NewFile;
  /**
   * Appends to a file in a directory of root. A missing file is created with this mode. Unless `synced` is set, a power
   * cut may leave zeros in place of the text.
   */
  append(path: string, text: string, mode: number, synced?: boolean): void;
  makeDirectory(path: string, attributes: Attributes): void;
  /** Sets the mode and owner of a directory. */
  setAttributes(path: string, attributes: Attributes): void;
  /** Creates a symbolic link, or replaces an existing one atomically. */
  makeLink(path: string, target: string): void;
  /** Removes a file, a symbolic link or an empty directory. */
  remove(path: string): void;
  /**
   * Removes the temporary file that a killed `writeFile`, `createFile` or `makeLink` of this path left beside it. Does
   * nothing if there is none.
   */
  removeTemporary(path: string): void;
  /**
   * Takes the lock, or returns the process that holds it. The lock is released when this process ends, and no child
   * inherits it. If its directory is missing, it is created for this user alone. Throws if another user could open that
   * directory, because that user could then hold every lock in it.
   */
  lock(path: string): { release(): void } | Holder;
  run(argv: readonly string[], options?: RunOptions): Promise<Output>;
  /** Same as `get`, but for requests that change something on the server. A redirect is returned and not followed. */
  send(method: "POST" | "DELETE", url: string, options?: RequestOptions): Promise<HttpResponse>;
  /**
   * Downloads a large file to a path that must not exist yet, readable by its owner alone. Resumes an interrupted
   * transfer as long as more data arrives; a signal caught by `catchSignals` cancels it. Returns the reason for a
   * failure, or null.
   */
  download(url: string, path: string, options: DownloadOptions): Promise<string | null>;
  /**
   * Catches termination signals from now on, so that partial changes can be rolled back. The returned function gives
   * the first signal received, or null.
   */
  catchSignals(): () => Signal | null;
}
