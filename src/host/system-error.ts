// Errors of the operating system in words: the runtime writes "ENOSPC: no space left on device, write '/etc/a'".

const written = /^E[A-Z0-9]+: (?<words>.*?)(?:, \w+)?(?:,? '?(?<path>\/[^']*)'?)?(?: -> '[^']*')?$/su;

/** Returns "/etc/a: no space left on device"; a message that is no error of the system is returned as it is. */
export function systemMessage(message: string): string {
  const { words, path } = written.exec(message)?.groups ?? {};
  if (words === undefined) return message;
  return path === undefined ? words : `${path}: ${words}`;
}

/** Thrown where stdout cannot be written: the report is lost. `code` is the system's, EPIPE where the reader went away. */
export class OutputError extends Error {
  override name = "OutputError";
  readonly code: string | undefined;

  constructor(cause: NodeJS.ErrnoException) {
    super(`stdout cannot be written: ${systemMessage(cause.message)}`, { cause });
    this.code = cause.code;
  }
}

/** Thrown where a limit of this process keeps it from its work. The message names the limit and where it is set. */
export class LimitError extends Error {
  override name = "LimitError";

  constructor(
    message: string,
    /** The command to type. */
    readonly hint?: readonly string[],
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}
