import type { Observer, RuntimeEvent, RuntimeEventType } from './event.ts';

/** Whoever listens to the engine. What nobody listens to is never put together. */
export class Observers {
  readonly #all = new Map<Observer, ReadonlySet<RuntimeEventType> | undefined>();
  readonly #threw: (error: unknown, event: RuntimeEventType) => void;
  /** Undefined: somebody wants everything. */
  #wanted: ReadonlySet<RuntimeEventType> | undefined = new Set();

  constructor(threw: (error: unknown, event: RuntimeEventType) => void) {
    this.#threw = threw;
  }

  /** Whether anybody wants anything. */
  get listening(): boolean {
    return this.#wanted === undefined || this.#wanted.size > 0;
  }

  /** @param only the types it wants. Default: all */
  add(observer: Observer, only?: readonly RuntimeEventType[]): void {
    this.#all.set(observer, only && new Set(only));
    this.#count();
  }

  delete(observer: Observer): void {
    this.#all.delete(observer);
    this.#count();
  }

  wants(type: RuntimeEventType): boolean {
    return this.#wanted?.has(type) ?? true;
  }

  emit(event: RuntimeEvent): void {
    for (const [observer, only] of this.#all) {
      if (only && !only.has(event.type)) continue;
      try {
        const answer: unknown = observer(event);
        if (answer instanceof Promise) answer.catch((error: unknown) => this.#threw(error, event.type));
      } catch (error) {
        // An observer changes nothing, not even by failing.
        this.#threw(error, event.type);
      }
    }
  }

  #count(): void {
    const all = [...this.#all.values()];
    this.#wanted = all.includes(undefined) ? undefined : new Set(all.flatMap((only) => [...(only ?? [])]));
  }
}
