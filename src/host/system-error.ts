// Readable messages for errors of the operating system: the runtime writes "ENOSPC: no space left on device, write
// '/etc/a'".

const written = /^E[A-Z0-9]+: (?<words>.*?)(?:, \w+)?(?:,? '?(?<path>\/[^']*)'?)?(?: -> '[^']*')?$/su;

/**
 * Returns a message such as "/etc/a: no space left on device". A message that is not a system error is returned
 * unchanged.
 */
export function systemMessage(message: string): string {
  const { words, path } = written.exec(message)?.groups ?? {};
  if (words === undefined) return message;
  return path === undefined ? words : `${path}: ${words}`;
}

/** Returns the name of a system error, such as "ENOSPC", or "" for any other error. */
export function systemCode(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? /^E[A-Z0-9]+(?=: )/.exec(message)?.[0] ?? "";
}

/**
 * Thrown if stdout cannot be written, so the report is lost. `code` is the system's; EPIPE if the reader closed the
 * pipe.
 */
export class OutputError extends Error {
  override name = "OutputError";
  readonly code: string | undefined;

  constructor(cause: NodeJS.ErrnoException) {
    super(`stdout cannot be written: ${systemMessage(cause.message)}`, { cause });
    this.code = cause.code;
  }
}

/** Thrown if a limit of this process prevents its work. The message names the limit and the place where it is set. */
export class LimitError extends Error {
  override name = "LimitError";

  constructor(
    message: string,
    /** The command to suggest. */
    readonly hint?: readonly string[],
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}
