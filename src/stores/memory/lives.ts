import type { ItemRow, RunRow, StoredEntry } from '../store.ts';
import type { Held } from './posts.ts';

/** A run, and all that is kept of it. */
export interface Kept {
  row: RunRow;
  base: StoredEntry | undefined;
  readonly entries: StoredEntry[];
  /** By step and round, then by place. */
  readonly items: Map<string, ItemRow[]>;
  held: Held | undefined;
  fence: number;
}

/** The runs, several lives of one id side by side. */
export class Lives {
  readonly #runs = new Map<number, Kept>();
  /** Incarnations in their order, for each id. */
  readonly #byId = new Map<string, readonly number[]>();

  get(number: number): Kept | undefined {
    return this.#runs.get(number);
  }

  /** Default: the last incarnation. */
  of(id: string, incarnation?: number): Kept | undefined {
    const numbers = this.#byId.get(id) ?? [];
    if (incarnation === undefined) return this.#runs.get(numbers.at(-1) ?? 0);
    return numbers.map((number) => this.#runs.get(number)).find((kept) => kept?.row.incarnation === incarnation);
  }

  all(): Iterable<Kept> {
    return this.#runs.values();
  }

  add(kept: Kept): void {
    const { number, id } = kept.row;
    this.#runs.set(number, kept);
    this.#byId.set(id, [...(this.#byId.get(id) ?? []), number]);
  }

  remove({ row: { number, id } }: Kept): void {
    this.#runs.delete(number);
    const left = (this.#byId.get(id) ?? []).filter((other) => other !== number);
    if (left.length > 0) this.#byId.set(id, left);
    else this.#byId.delete(id);
  }
}

export function putItems(kept: Kept, items: readonly ItemRow[]): void {
  for (const item of items) {
    const key = `${item.step}/${item.round}`;
    const rows = kept.items.get(key) ?? [];
    rows[item.index] = item;
    kept.items.set(key, rows);
  }
}

/** Runs that want to be claimed at some time, first due first. */
export function dueRuns(runs: Iterable<Kept>, fits: (kept: Kept) => boolean): readonly Kept[] {
  return [...runs].filter((kept) => kept.row.due !== null && fits(kept)).sort((a, b) => (a.row.due ?? 0) - (b.row.due ?? 0) || a.row.number - b.row.number);
}
