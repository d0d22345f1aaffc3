import { distance } from "fastest-levenshtein";

/** Returns the known name that is nearest to the typed one, if at most a third of it is mistyped. */
export function nearestName(typed: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((name) => ({ name, far: distance(typed, name) }))
    .sort((a, b) => a.far - b.far)
    .filter(({ name, far }) => far <= Math.max(1, name.length / 3));
  return best?.name;
}
