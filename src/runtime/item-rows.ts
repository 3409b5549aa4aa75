import type { ItemPage, ItemRow, Store } from '../stores/store.ts';

/** Rows read at a time. */
const PAGE = 128;
/** Pages kept: those in flight are near each other. */
const PAGES = 9;

/** The rows of a map that is being undone, read in pages: each of them once, because the items come in order. */
export class ItemRows {
  readonly #store: Pick<Store, 'items'>;
  readonly #run: number;
  readonly #of: Pick<ItemPage, 'step' | 'round'>;
  readonly #pages = new Map<number, Promise<readonly ItemRow[]>>();

  constructor(store: Pick<Store, 'items'>, run: number, of: Pick<ItemPage, 'step' | 'round'>) {
    this.#store = store;
    this.#run = run;
    this.#of = of;
  }

  /** Undefined of an item of which nothing is stored. */
  async at(index: number): Promise<ItemRow | undefined> {
    const page = Math.floor(index / PAGE);
    const reading = this.#pages.get(page) ?? this.#read(page);
    return (await reading).find((row) => row.index === index);
  }

  #read(page: number): Promise<readonly ItemRow[]> {
    const reading = this.#store
      .items(this.#run, { ...this.#of, from: page * PAGE, limit: PAGE })
      .then((rows) => rows.filter(({ index }) => index < (page + 1) * PAGE));
    this.#pages.set(page, reading);
    // A failure is not kept: whoever asks again has it read again.
    reading.catch(() => this.#pages.delete(page));
    for (const first of this.#pages.keys()) if (this.#pages.size > PAGES) this.#pages.delete(first);
    return reading;
  }
}
