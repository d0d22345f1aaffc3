// Errors of the system: adds the path that they concern, and recognizes those that mean "not found".

/** Returns the result of `act`. Adds the path to the message of an error that names none. */
export function withPath<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof Error && !/'\//.test(error.message)) error.message += ` '${path}'`;
    throw error;
  }
}

/** Returns null if `read` fails because the path does not exist. */
export function nullIfMissing<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}
