// Errors of the system: what they name, and those that say no more than that nothing is there.

/** What `act` answers; an error of it is of this path where it names none. */
export function acted<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof Error && !/'\//.test(error.message)) error.message += ` '${path}'`;
    throw error;
  }
}

/** Null where a path leads to nothing. */
export function missing<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}
