/** The places of an exploration as a graph, for what can be said of it as a whole. */
export class PlaceGraph {
  readonly #count: number;
  readonly #next: readonly number[][];

  /** @param edges from where to where, as two numbers each */
  constructor(count: number, edges: readonly number[]) {
    this.#count = count;
    const next: number[][] = Array.from({ length: count }, () => []);
    for (let i = 0; i < edges.length; i += 2) next[edges[i] as number]?.push(edges[i + 1] as number);
    this.#next = next;
  }

  /** Of the places, those from which none of the given ones can be reached. */
  cannotReach(goals: readonly number[]): readonly number[] {
    const back: number[][] = Array.from({ length: this.#count }, () => []);
    this.#next.forEach((targets, from) => {
      for (const to of targets) back[to]?.push(from);
    });
    const reached = new Set(goals);
    for (const place of reached) for (const from of back[place] ?? []) reached.add(from);
    return Array.from({ length: this.#count }, (_, place) => place).filter((place) => !reached.has(place));
  }

  /** How many ways lead from the first place to a place that leads nowhere, none through the same place twice. */
  paths(): number {
    const ways = new Float64Array(this.#count);
    const state = new Uint8Array(this.#count);
    // Depth first without recursion: a chart can be thousands of places deep.
    const stack: { readonly place: number; at: number }[] = this.#count > 0 ? [{ place: 0, at: 0 }] : [];
    if (stack.length > 0) state[0] = 1;
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const targets = this.#next[top.place] ?? [];
      const to = targets[top.at++];
      if (to === undefined) {
        if (targets.length === 0) ways[top.place] = 1;
        state[top.place] = 2;
        stack.pop();
        const above = stack.at(-1);
        if (above) ways[above.place] = (ways[above.place] as number) + (ways[top.place] as number);
      } else if (state[to] === 0) {
        state[to] = 1;
        stack.push({ place: to, at: 0 });
      } else if (state[to] === 2) ways[top.place] = (ways[top.place] as number) + (ways[to] as number);
    }
    return ways[0] ?? 0;
  }
}
