/** What is stored of a run: what of it has to do with its chart. */
export interface Stored {
  readonly value: unknown;
  readonly context: unknown;
  readonly children: Readonly<Record<string, object>>;
  readonly timers: Readonly<Record<string, StoredTimer>>;
}

export interface StoredTimer {
  readonly id: string;
  readonly event: { readonly type: string };
}

/** A run as another chart has it. */
export interface Carried extends Stored {
  /** What it begins there: lanes that stand still, and the state of each that is entered. */
  readonly enter: readonly Entrance[];
  /** Steps whose elements have another number. */
  readonly items: readonly { readonly from: number; readonly to: number | null }[];
}

export interface Entrance {
  /** From the top, by names. */
  readonly path: readonly string[];
  /** The state below it. */
  readonly state: string;
}

/** Why a run cannot be carried over: thrown inside, and told to whoever asked. */
export class NotCarried extends Error {}
