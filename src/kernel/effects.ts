import { SagachartError } from '../base/errors.ts';
import { NOT_BEGUN } from '../base/failure.ts';
import { own } from '../base/own.ts';
import type { Identity, SentEvent } from './event.ts';
import { type ItemChange, itemsUnderWay } from './items.ts';
import type { ExecutableAction, InertScope } from './scope.ts';
import type { ActionEffect, Chart, Child, Effects, StartEffect, StateData, StopEffect, Timer } from './state.ts';

interface Ref {
  readonly id: string;
}
interface SpawnParams {
  readonly id: string;
  readonly src: string;
  readonly input: unknown;
}
interface DelayedParams {
  readonly event: SentEvent;
  readonly id: string | undefined;
  readonly delay: number | undefined;
}
interface SendParams extends DelayedParams {
  /** A reference, also where the chart names an invocation that begins in the same breath. */
  readonly to: Ref;
}

/** What a chart may say to an attempt that runs for it: stop. */
const ABORT = 'abort';

/** Hears what the chart says to an invocation with items; false if it has none. */
export type TellItems = (id: string, event: SentEvent) => boolean;

/**
 * Reads XState's executable actions as data: which invocations and timers begin and end with this commit.
 * What one event both starts and stops is netted out: nobody has to know of it.
 */
export class EffectReader {
  readonly #seq: number;
  readonly #now: number;
  readonly #storesInput: boolean;
  /** Whether nothing new begins. */
  readonly holds: boolean;
  readonly #tellItems: TellItems | undefined;
  readonly #rows: ItemChange[] = [];
  readonly #runOf: Chart['runOf'];
  #children: Record<string, Child>;
  #timers: Record<string, Timer>;
  #rounds: Record<string, number> | undefined;
  #ordinal = 0;
  readonly #start = new Map<string, StartEffect>();
  readonly #stop: StopEffect[] = [];
  readonly #abort: StopEffect[] = [];
  readonly #actions: ActionEffect[] = [];
  /** Events the machine sent to itself: each is a step of its own after this one. */
  readonly toSelf: SentEvent[] = [];

  constructor(
    data: StateData,
    options: { readonly seq: number; readonly now: number; readonly storesInput: boolean; readonly runOf?: Chart['runOf'] },
    tellItems?: TellItems,
  ) {
    this.#seq = options.seq;
    this.#now = options.now;
    this.#storesInput = options.storesInput;
    this.#runOf = options.runOf;
    this.holds = data.paused !== undefined;
    this.#tellItems = tellItems;
    this.#children = data.children;
    this.#timers = data.timers;
    this.#rounds = data.rounds;
  }

  get children(): StateData['children'] {
    return this.#children;
  }

  get timers(): StateData['timers'] {
    return this.#timers;
  }

  get rounds(): StateData['rounds'] {
    return this.#rounds;
  }

  get effects(): Effects {
    return { start: [...this.#start.values()], stop: this.#stop, abort: this.#abort, actions: this.#actions };
  }

  /** Rows of items that changed, the last one of each. */
  get rows(): readonly ItemChange[] {
    return this.#rows;
  }

  /** Wall time, ms. */
  get now(): number {
    return this.#now;
  }

  identity(): Identity {
    return [this.#seq, this.#ordinal++];
  }

  changed(id: string, child: Child): void {
    this.#children = { ...this.#children, [id]: child };
  }

  begin(effect: StartEffect): void {
    this.#start.set(effect.item ? `${effect.id}[${effect.item.index}]` : effect.id, effect);
  }

  /** An attempt that is told to stop, and whose answer still counts. */
  aborted(id: string, at: Identity): void {
    this.#abort.push({ id, at });
  }

  row(change: ItemChange): void {
    this.#rows.push(change);
  }

  read(actions: readonly ExecutableAction[], scope: InertScope): void {
    for (const action of actions) this.#readOne(action, scope);
  }

  #readOne({ type, params, info, exec }: ExecutableAction, { self, invokes }: InertScope): void {
    switch (type) {
      case 'xstate.spawnChild': {
        const spawned = params as SpawnParams;
        // Without an end that the chart defines nobody would hear its result.
        if (invokes.get(spawned.id) !== spawned.src) throw spawnedFreely(`${spawned.id}, an actor of ${sourceName(spawned.src)}`);
        return this.#spawn(spawned);
      }
      case 'xstate.stopChild':
        return this.ended((params as Ref | undefined)?.id, true);
      case 'xstate.raise':
        return this.#raised(params as DelayedParams);
      case 'xstate.cancel':
        return this.#cancel((params as { sendId: string }).sendId);
      case 'xstate.sendTo':
        return this.#sent(params as SendParams, self);
      default:
        if (exec) this.#actions.push({ type, params, run: () => exec(info, params) });
    }
  }

  #spawn({ id, src, input }: SpawnParams): void {
    const at = this.identity();
    const round = ((this.#rounds && own(this.#rounds, id)) ?? 0) + 1;
    const stored = this.#storesInput && input !== undefined ? { input } : {};
    const run = this.#runOf?.(src, input);
    const about = { ...(run === undefined ? {} : { run }), ...stored, ...(this.holds ? { held: true as const } : {}) };
    const child: Child = { src, at, round: this.#storesInput ? round : 1, ...about };
    if (this.#storesInput) this.#rounds = { ...this.#rounds, [id]: round };
    this.#children = { ...without(this.#children, id), [id]: child };
    if (!this.holds) this.#start.set(id, { id, child });
  }

  /** An invocation is over: its result is in, or the chart has left its state. */
  ended(id: string | undefined, stop: boolean): void {
    const child = id === undefined ? undefined : own(this.#children, id);
    if (id === undefined || child === undefined) return;
    this.#children = without(this.#children, id);
    if (this.#start.delete(id)) return;
    if (child.items) {
      if (stop) for (const { at } of itemsUnderWay(child.items)) this.#stop.push({ id, at });
    } else if (stop && !child.held) this.#stop.push({ id, at: child.at });
  }

  /** The same invocation begins again: it was lost with its process, `losses` times in a row. */
  restarted(id: string, losses: number): void {
    const { losses: _, ...before } = this.#children[id] as Child;
    const child: Child = { ...before, at: this.identity(), ...(losses === 0 ? {} : { losses }), ...(this.holds ? { held: true } : {}) };
    this.#children = { ...this.#children, [id]: child };
    if (!this.holds) this.#start.set(id, { id, child });
  }

  /** The run goes on: what was held back begins, in the order in which it would have. */
  resumed(): void {
    for (const id of Object.keys(this.#children)) if (this.#children[id]?.held) this.#release(id);
  }

  #release(id: string): void {
    const { held: _, ...child } = this.#children[id] as Child;
    this.#children = { ...this.#children, [id]: child };
    this.#start.set(id, { id, child });
  }

  #raised({ event, id, delay }: DelayedParams): void {
    // Without a delay XState has processed it already.
    if (typeof delay === 'number') this.#arm(id ?? event.type, event, delay);
  }

  #arm(id: string, event: SentEvent, delay: number): void {
    if (!Number.isFinite(delay)) throw new Error(`the delay of ${id} is ${delay}, but must be a finite number of milliseconds`);
    const at = this.identity();
    this.#timers = { ...this.#timers, [at.join('.')]: { id, at, due: this.#now + delay, event } };
  }

  /** As in XState, a cancel takes the one armed last. */
  #cancel(id: string): void {
    const key = Object.keys(this.#timers).findLast((timer) => this.#timers[timer]?.id === id);
    if (key !== undefined) this.#timers = without(this.#timers, key);
  }

  fired(key: string): void {
    this.#timers = without(this.#timers, key);
  }

  #sent({ to, event, id, delay }: SendParams, self: unknown): void {
    if (to === self) {
      if (typeof delay === 'number') this.#arm(id ?? event.type, event, delay);
      else this.toSelf.push(event);
      return;
    }
    const target = to.id;
    if (typeof delay !== 'number' && this.#tellItems?.(target, event)) return;
    const child = own(this.#children, target);
    if (!child || event.type !== ABORT || typeof delay === 'number') return;
    if (child.run !== undefined && (child.held || this.#start.has(target))) return this.#neverBegun(target);
    this.#children = { ...this.#children, [target]: { ...child, stopping: true } };
    // It never began: whoever would have begun it says so.
    if (child.held) return this.#release(target);
    const started = this.#start.get(target);
    if (started) this.#start.set(target, { id: target, child: this.#children[target] as Child });
    this.#abort.push({ id: target, at: child.at });
  }

  /** A run that nobody has been asked for yet: that it is not wanted any more is told at once. */
  #neverBegun(id: string): void {
    this.ended(id, false);
    const error = { code: NOT_BEGUN, type: 'SagachartError', message: `${id} was stopped before it began`, class: 'transient', effect: 'none' };
    this.toSelf.push({ type: `xstate.error.actor.${id}`, error, actorId: id });
  }

  /** The run is at its end: XState has stopped its children, but what is still armed it leaves to the clock. */
  finished(): void {
    this.#timers = {};
  }
}

function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  const { [key]: _, ...rest } = record;
  return rest;
}

/** Where an actor comes from, as a chart writes it. */
export function sourceName(src: unknown): string {
  return typeof src === 'string' ? `'${src}'` : 'a source without a name';
}

/** The error for an actor that no state invokes: it would be lost in a crash, and its result with it. */
export function spawnedFreely(what: string): SagachartError {
  return new SagachartError('SC_WORKFLOW_UNSUPPORTED', `the chart spawned ${what}, which no state invokes`, {
    next: 'Invoke the actor from a state.',
    details: { what },
  });
}
