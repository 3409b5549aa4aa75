import type { Control } from '../store.ts';

/** Settings by their names. */
export class Controls {
  readonly #bodies = new Map<string, string>();

  get(name: string): string | undefined {
    return this.#bodies.get(name);
  }

  set(name: string, body: string | undefined): void {
    if (body === undefined) this.#bodies.delete(name);
    else this.#bodies.set(name, body);
  }

  list(): readonly Control[] {
    return [...this.#bodies].map(([name, body]) => ({ name, body })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
