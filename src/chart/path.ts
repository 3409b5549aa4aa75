/**
 * The active states as people read them: `running.flight.attempting.working`. Lanes are how a graph fits into few
 * regions, not part of the story, so a step has the same path wherever it was placed.
 */
export function statePaths(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => {
    const paths = statePaths(below);
    if (key.endsWith('Lane')) return paths;
    return paths.length === 0 ? [key] : paths.map((path) => `${key}.${path}`);
  });
}
