import { encode } from '../base/encoding.ts';
import { ABORTED, type Failure, NOT_BEGUN } from '../base/failure.ts';
import { own } from '../base/own.ts';
import type { EffectReader } from './effects.ts';
import type { Identity, RunEvent, SentEvent } from './event.ts';
import { type Item, type ItemEnd, type ItemJudgment, type ItemRules, type ItemsState, isDone, isWell, itemAt, itemsEnd, type LeftItems } from './items.ts';
import type { Chart, Child, StateData } from './state.ts';

/** So many may need a person at a time: what nobody can do is not tried with all the others too. */
const MOST_STUCK = 100;
/** Of items that are listed, so many are named. */
const MOST_NAMED = 100;

type Ended = Extract<ItemJudgment, { to: 'end' }>;

/** What one event does to the items of one map. Makes the next state of it, and what is to be done then. */
export class ItemTurn {
  readonly #id: string;
  readonly #rules: ItemRules;
  readonly #reader: EffectReader;
  readonly #data: StateData;
  readonly #child: Child;
  #items: ItemsState;
  /** The chart is to be told that a person is needed. */
  #calls = false;

  constructor(id: string, { rules, reader, data }: { readonly rules: ItemRules; readonly reader: EffectReader; readonly data: StateData }) {
    this.#id = id;
    this.#rules = rules;
    this.#reader = reader;
    this.#data = data;
    this.#child = reader.children[id] as Child;
    this.#items = this.#child.items ?? UNPLANNED;
  }

  planned(total: number, most: number | null): void {
    const passedOver = this.#rules.passedOver(this.#data).length;
    this.#items = {
      total,
      round: this.#rules.round(this.#data),
      most: this.#rules.collects ? most : null,
      next: 0,
      done: passedOver,
      bytes: 0,
      open: new Array<null>(Math.min(this.#rules.concurrency, total)).fill(null),
    };
    this.#goOn();
  }

  /** An attempt of an item has ended. */
  ended(at: Identity, end: ItemEnd): void {
    const { item, place } = itemAt(this.#items, at) as { readonly item: Item; readonly place: number };
    this.#free(place);
    this.#settle(item, end, place);
    this.#goOn();
  }

  /** The wait of an item is over. */
  due(at: Identity): void {
    const { item, place } = itemAt(this.#items, at) as { readonly item: Item; readonly place: number };
    this.#begin(item, place);
    this.#write();
  }

  /** The run goes on: what was held back begins. */
  resumed(): void {
    for (const [place, item] of this.#items.open.entries()) if (item?.held) this.#begin(item, place);
    this.#goOn();
  }

  /** The chart tells it what is to become of it, or what a person has decided about those that are stuck. */
  told({ type, result }: SentEvent): void {
    if (type === 'abort') {
      this.#stop();
    } else {
      const { stuck = [], ...items } = this.#items;
      this.#items = items;
      for (const item of stuck) {
        const end: ItemEnd = type === 'resolve' ? { kind: 'resolve', result } : { kind: type as 'retry' | 'skip' };
        this.#settle(item, end);
      }
    }
    this.#goOn();
  }

  get #wanted(): boolean {
    return this.#items.failure === undefined && this.#child.stopping === undefined;
  }

  #free(place: number): void {
    this.#items = { ...this.#items, open: this.#items.open.with(place, null) };
  }

  /** @param place that it had, if it had one */
  #settle(item: Item, end: ItemEnd, place?: number): void {
    const judged = this.#rules.judge(this.#data, item, end, this.#wanted);
    if (judged.to === 'end') this.#end(item, judged);
    else if (judged.to === 'person') this.#needsPerson({ ...item, record: judged.record });
    else this.#again(item, judged, place);
  }

  #again(item: Item, judged: Extract<ItemJudgment, { to: 'attempt' }>, place: number | undefined): void {
    const { index } = item;
    const { what, record, waitMs, isRetry } = judged;
    if (isRetry) this.#items = { ...this.#items, retries: (this.#items.retries ?? 0) + 1 };
    if (end(this.#rules) && what === 'run') this.#row(index, 'open', record.attempts, null);
    const next = { index, what, record };
    if (place === undefined) this.#items = { ...this.#items, again: [...(this.#items.again ?? []), { ...next, at: item.at }] };
    else if (waitMs === undefined) this.#begin(next, place);
    else this.#put(place, { ...next, at: this.#reader.identity(), due: this.#reader.now + waitMs });
  }

  #needsPerson(item: Item): void {
    const { due: _, held: __, ...stuck } = item;
    this.#items = { ...this.#items, stuck: [...(this.#items.stuck ?? []), stuck] };
    if (end(this.#rules)) this.#row(item.index, 'stuck', item.record.attempts, null);
    this.#calls = true;
  }

  #end({ index }: Item, judged: Ended): void {
    const { state, record, kept, left } = judged;
    const text = kept === undefined ? null : encode(kept, `item ${index} of ${this.#id}`);
    this.#row(index, state, record.attempts, text);
    const size = this.#rules.collects && isWell(state) ? Buffer.byteLength(encode(judged.result)) + 1 : 0;
    const { most, bytes, done, refused = [] } = this.#items;
    const tooLarge = most !== null && bytes + size > most ? sizeFailure(this.#id, most) : undefined;
    this.#items = {
      ...this.#items,
      done: isWell(state) ? done + 1 : done,
      bytes: bytes + size,
      ...(state === 'refused' ? { refused: [...refused, index] } : {}),
      ...(left === undefined ? {} : { left: withLeft(this.#items.left, left, index) }),
    };
    const failure = judged.fails === undefined ? tooLarge : named(`${this.#id}[${index}]`, judged.fails);
    if (failure && this.#items.failure === undefined) {
      this.#items = { ...this.#items, failure };
      this.#stop();
    }
  }

  /** No more begin; those under way are told to stop, and what waits has ended as it stands. */
  #stop(): void {
    const { stuck = [], again = [], open, ...items } = this.#items;
    const waiting = open.filter((item): item is Item => item !== null && (item.due !== undefined || item.held === true));
    this.#items = { ...items, open: open.map((item) => (item && waiting.includes(item) ? null : item)) };
    for (const item of this.#items.open) if (item) this.#reader.aborted(this.#id, item.at);
    for (const item of [...waiting, ...stuck, ...again]) this.#settle(item, { kind: 'stopped' });
  }

  #goOn(): void {
    this.#fill();
    const child = this.#write();
    const { failure, open, total } = this.#items;
    if (this.#wanted ? !isDone(this.#items) : open.some((item) => item !== null)) {
      if (this.#calls) this.#reader.toSelf.push({ type: `${this.#id}.stuck` });
      return;
    }
    if (isDone(this.#items) && !failure) {
      // Where there is something to read back the runtime does, and says that it has succeeded.
      if (this.#rules.collects && total > 0) this.#reader.begin({ id: this.#id, child });
      else this.#finish({ type: `xstate.done.actor.${this.#id}`, output: this.#rules.collects ? [] : { total } });
    } else this.#finish({ type: `xstate.error.actor.${this.#id}`, error: this.#failure() });
  }

  /** Free places are taken: first by those that were tried again, then by the next in order. */
  #fill(): void {
    if (this.#reader.holds) return;
    const { total } = this.#items;
    const passedOver = new Set(this.#rules.passedOver(this.#data));
    for (const [place, taken] of this.#items.open.entries()) {
      if (taken !== null) continue;
      const [first, ...again] = this.#items.again ?? [];
      if (first) {
        const { again: _, ...items } = this.#items;
        this.#items = again.length > 0 ? { ...items, again } : items;
        this.#begin(first, place);
        continue;
      }
      let { next } = this.#items;
      while (next < total && passedOver.has(this.#index(next))) next++;
      if (next < total && this.#wanted && (this.#items.stuck?.length ?? 0) < MOST_STUCK) {
        this.#begin({ index: this.#index(next), what: this.#rules.first, record: { attempts: 0 } }, place);
        next++;
      }
      if (next === this.#items.next) return;
      this.#items = { ...this.#items, next };
    }
  }

  /** What comes last is undone first. */
  #index(place: number): number {
    return this.#rules.first === 'undo' ? this.#items.total - 1 - place : place;
  }

  #begin({ index, what, record }: Pick<Item, 'index' | 'what' | 'record'>, place: number): void {
    const item: Item = { index, at: this.#reader.identity(), what, record, ...(this.#reader.holds ? { held: true } : {}) };
    this.#put(place, item);
    if (!item.held) this.#reader.begin({ id: this.#id, child: this.#child, item });
  }

  #put(place: number, item: Item): void {
    this.#items = { ...this.#items, open: this.#items.open.with(place, item) };
  }

  #write(): Child {
    const child = { ...this.#child, items: this.#items };
    this.#reader.changed(this.#id, child);
    return child;
  }

  #row(index: number, state: Ended['state'], attempts: number, result: string | null): void {
    this.#reader.row({ step: this.#rules.step, round: this.#items.round, index, state, attempts, result });
  }

  #finish(event: SentEvent): void {
    this.#reader.ended(this.#id, false);
    this.#reader.toSelf.push({ ...event, actorId: this.#id, items: itemsEnd(this.#items) });
  }

  #failure(): Failure {
    const { failure, next, refused = [], done, total } = this.#items;
    const effect = this.#rules.first === 'run' && next > refused.length ? 'maybe' : 'none';
    if (failure) return { ...failure, class: 'hard', effect };
    const message = `${this.#id} was told to stop when ${done} of its ${total} items were done`;
    return { code: next === 0 ? NOT_BEGUN : ABORTED, type: 'SagachartError', message, class: 'transient', effect };
  }
}

const UNPLANNED: ItemsState = { total: 0, round: 1, most: null, next: 0, done: -1, bytes: 0, open: [] };

/** Only rows of the way forward change on the way: those of the undo keep what it needs until it has ended. */
function end({ first }: ItemRules): boolean {
  return first === 'run';
}

function withLeft(before: readonly LeftItems[] = [], what: string, index: number): readonly LeftItems[] {
  const known = before.find((one) => one.what === what) ?? { what, count: 0, items: [] };
  const items = known.items.length < MOST_NAMED ? [...known.items, index] : known.items;
  return [...before.filter((one) => one !== known), { what, count: known.count + 1, items }];
}

function named(item: string, failure: Failure): Failure {
  return { ...failure, message: `${item}: ${failure.message}` };
}

function sizeFailure(id: string, most: number): Failure {
  const message = `the results of ${id} have more than the ${most} bytes that are allowed together: leave them out with collect: false, or return less`;
  return { code: 'SC_PAYLOAD_TOO_LARGE', type: 'SagachartError', message, class: 'hard', effect: 'maybe', step: id };
}

export function turnOf(chart: Chart, id: string, reader: EffectReader, data: StateData): ItemTurn | undefined {
  const rules = own(reader.children, id) && chart.items?.(id);
  return rules ? new ItemTurn(id, { rules, reader, data }) : undefined;
}

/** Applies an event about items, if it is of the present attempt. False: it is an older one's, and changes nothing. */
export function takeItemEvent(chart: Chart, data: StateData, event: RunEvent, reader: EffectReader): boolean {
  if (event.type === 'due') {
    const id = Object.keys(reader.children).find((one) => itemAt(reader.children[one]?.items, event.at)?.item.due !== undefined);
    if (id === undefined) return false;
    turnOf(chart, id, reader, data)?.due(event.at);
    return true;
  }
  if (!('child' in event)) return false;
  const child = own(reader.children, event.child);
  const turn = turnOf(chart, event.child, reader, data);
  if (!child || !turn) return false;
  if (event.type === 'planned') {
    if (child.items || child.at[0] !== event.at[0] || child.at[1] !== event.at[1]) return false;
    turn.planned(event.total, event.most);
    return true;
  }
  const found = itemAt(child.items, event.at);
  if (!found || found.item.due !== undefined || found.item.held) return false;
  if (event.type === 'itemSucceeded') {
    const { output, undoData } = event;
    turn.ended(event.at, { kind: 'succeeded', output, ...(undoData === undefined ? {} : { undoData }) });
  } else if (event.type === 'itemFailed' || event.type === 'itemLost') turn.ended(event.at, { kind: 'failed', error: event.error });
  else return false;
  return true;
}
