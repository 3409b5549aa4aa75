import { BusyError, HardError } from '../../base/errors.ts';
import type { Random } from './random.ts';
import type { SimProcess, SimTime } from './sim-time.ts';

/** One call that reached a service: the truth outside the engine. */
export interface LedgerEntry {
  /** When it arrived, ms. */
  readonly at: number;
  readonly run: string;
  readonly step: string;
  readonly kind: 'run' | 'undo';
  readonly key: string;
  /** Of an undo: the key of what it undid. */
  readonly target?: string;
  /** Whether it changed anything. */
  readonly effect: boolean;
}

export interface Asked {
  readonly run: string;
  /** Of an item of a map `bags[0]`. */
  readonly step: string;
  readonly kind: 'run' | 'undo' | 'check' | 'fallback';
  /** Of this attempt. */
  readonly key: string;
  readonly runKey: string;
  readonly signal: AbortSignal;
  /** It can be refused. */
  readonly mayBeRefused: boolean;
}

/** How often what goes wrong, 0 to 1. */
export interface ServiceFaults {
  readonly refused: number;
  readonly busy: number;
  readonly unheard: number;
  readonly unanswered: number;
  /** It takes longer than any timeout. */
  readonly stuck: number;
  /** It does not listen to its AbortSignal. */
  readonly deaf: number;
}

interface OpenCall {
  readonly process: SimProcess;
  readonly run: string;
  readonly step: string;
  abortedAt: number | undefined;
}

/**
 * Services that honor keys, keep books, and refuse a `run` that comes after its undo: what a participant must do about
 * requests that are still on the wire when nobody waits for them any more.
 */
export class SimServices {
  readonly ledger: LedgerEntry[] = [];
  readonly #time: SimTime;
  readonly #random: Random;
  readonly #done = new Map<string, 'standing' | 'undone'>();
  readonly #open = new Set<OpenCall>();
  calls = 0;
  faults: ServiceFaults;

  constructor(time: SimTime, random: Random, faults: ServiceFaults) {
    this.#time = time;
    this.#random = random;
    this.faults = faults;
  }

  /** A call from a process: it hears of the answer if it lives. */
  async call(process: SimProcess, asked: Asked): Promise<unknown> {
    this.calls++;
    const random = this.#random;
    const { refused, busy, unheard, unanswered, stuck, deaf } = this.faults;
    const ms = random.chance(stuck) ? random.between(20_000, 60_000) : random.between(1, 50);
    const draw = random.next();
    const isDeaf = random.chance(deaf);
    const arriving = this.#time.wait(ms).then(() => {
      if (draw < refused && asked.mayBeRefused) throw new HardError(`${asked.step} refused`);
      if (draw < refused + busy) throw new BusyError(`${asked.step} is busy`);
      if (draw < refused + busy + unheard) throw new Error(`no answer from ${asked.step}`);
      const answer = this.#arrive(asked);
      if (draw < refused + busy + unheard + unanswered) throw new Error(`no answer from ${asked.step}`);
      return answer;
    });
    arriving.catch(() => {});
    const open: OpenCall = { process, run: asked.run, step: asked.step, abortedAt: undefined };
    if (asked.kind === 'run') this.#open.add(open);
    asked.signal.addEventListener('abort', () => {
      open.abortedAt = this.#time.now;
    });
    const heard = process.hear(isDeaf ? arriving : Promise.race([arriving, aborted(asked.signal)]));
    heard.then(
      () => this.#open.delete(open),
      () => this.#open.delete(open),
    );
    return await heard;
  }

  /**
   * A step of a run that a living process still works at, and that still has some of its grace if it was told to stop.
   * @param graceMs of a step; undefined for one that is of no account
   */
  underWay(run: string, now: number, graceMs: (step: string) => number | undefined): string | undefined {
    for (const { process, step, run: of, abortedAt } of this.#open) {
      const grace = of === run && process.alive && !process.wasFrozen ? graceMs(step) : undefined;
      if (grace !== undefined && (abortedAt === undefined || abortedAt > now - grace)) return step;
    }
    return undefined;
  }

  #arrive({ run, step, kind, key, runKey }: Asked): unknown {
    const before = this.#done.get(runKey);
    if (kind === 'fallback') return undefined;
    if (kind === 'check') return before;
    if (kind === 'undo') {
      this.#done.set(runKey, 'undone');
      this.ledger.push({ at: this.#time.now, run, step, kind, key, target: runKey, effect: before === 'standing' });
      return undefined;
    }
    if (before === 'undone') throw new HardError(`${step} was undone before it came`);
    this.#done.set(runKey, 'standing');
    this.ledger.push({ at: this.#time.now, run, step, kind, key, effect: before === undefined });
    return undefined;
  }
}

async function aborted(signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
