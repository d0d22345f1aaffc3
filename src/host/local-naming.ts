// An error of the system that came from an open file names no path.

/** What `act` answers; an error of it is of this path where it names none. */
export function acted<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof Error && !/'\//.test(error.message)) error.message += ` '${path}'`;
    throw error;
  }
}
