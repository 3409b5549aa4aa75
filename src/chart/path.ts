/**
 * The active states as people read them: `running.flight.attempting.working`. Lanes are how a graph of steps fits
 * into few regions, not part of the story, so a step has the same path wherever it was placed.
 * @param kind whose states they are: of a hand-written machine every state is its author's, whatever its name.
 * Default: `saga`, where lanes are the regions of `running` and `compensating` that are all named like one
 */
export function statePaths(value: unknown, kind: 'saga' | 'workflow' = 'saga'): readonly string[] {
  if (typeof value === 'string') return [value];
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, below]) => {
    const inner = kind === 'saga' && hasLanes(key, below) ? Object.values(below) : [below];
    const paths = inner.flatMap((part) => statePaths(part, 'workflow'));
    return paths.length === 0 ? [key] : paths.map((path) => `${key}.${path}`);
  });
}

/** Steps of a saga that need a person, by name. */
export function stuckSteps(value: unknown): readonly string[] {
  return statePaths(value)
    .filter((path) => path.endsWith('.attention'))
    .map((path) => path.split('.')[1] as string);
}

/** A region alone would be no lane: a saga of one chain has its steps right below. */
function hasLanes(key: string, below: unknown): below is Record<string, unknown> {
  if ((key !== 'running' && key !== 'compensating') || !isRecord(below)) return false;
  const regions = Object.keys(below);
  return regions.length > 1 && regions.every((region) => region.endsWith('Lane'));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
