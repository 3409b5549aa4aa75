import type { Clock } from '../base/clock.ts';
import { SagachartError } from '../base/errors.ts';
import { PAUSED } from '../base/failure.ts';
import type { Dependency } from '../saga/dependency.ts';
import { Gate, type Pass, type Refusal } from './gate.ts';
import { patienceMs } from './patience.ts';
import { type Pause, Pauses, pausableText } from './pause.ts';

/** What a saga says of the dependencies of its steps. */
export interface Depends {
  readonly saga: string;
  readonly dependency: string;
  readonly protection?: Dependency | undefined;
}

/** An attempt at the gates. */
export interface Arrival {
  readonly run: string;
  readonly saga: string;
  readonly step: string;
  readonly kind: 'run' | 'check' | 'undo' | 'fallback';
  readonly attempt: number;
  readonly dependency?: string | undefined;
  readonly protection?: Dependency | undefined;
}

export type DependencyState = 'closed' | 'open' | 'halfOpen' | 'paused';

/** How a dependency is, as this process sees it. */
export interface DependencyHealth {
  readonly name: string;
  /** `closed`: attempts go through. `open`: its breaker lets none through. `halfOpen`: one finds out. `paused`: a person holds them back. */
  readonly state: DependencyState;
  /** Attempts under way. */
  readonly running: number;
  /** Attempts that wait in memory. Those that were put off are in the store. */
  readonly waiting: number;
  /** Attempts since the engine opened by which it works, and by which it does not. */
  readonly successes: number;
  readonly failures: number;
  /** How long its breaker stays open, ms; 0 if it is not. */
  readonly openMs: number;
}

export interface DependencyChange {
  readonly dependency: string;
  readonly before: DependencyState;
  readonly state: DependencyState;
}

/** The gates of all dependencies of an engine, and the pauses before them. */
export class Gates {
  readonly #clock: Clock;
  readonly #changed: (change: DependencyChange) => void;
  readonly #gates = new Map<string, Gate>();
  readonly #states = new Map<string, DependencyState>();
  readonly #pauses = new Pauses();
  /** Of attempts that depend on nothing. */
  readonly #open: Gate;

  /** @throws SagachartError SC_DUPLICATE_DEPENDENCY if two protect one name differently */
  constructor(depends: readonly Depends[], options: { readonly clock: Clock; readonly changed: (change: DependencyChange) => void }) {
    const { clock, changed } = options;
    this.#clock = clock;
    this.#changed = changed;
    this.#open = new Gate('', {}, { clock, changed: () => {} });
    for (const [name, protection] of protections(depends)) {
      this.#gates.set(name, new Gate(name, protection ?? {}, { clock, changed: () => this.#tell(name) }));
      this.#states.set(name, 'closed');
    }
  }

  /** Where an attempt waits, in line or away. */
  of({ dependency }: Pick<Arrival, 'dependency'>): Gate {
    return (dependency === undefined ? undefined : this.#gates.get(dependency)) ?? this.#open;
  }

  ask({ run, saga, step, kind, attempt, dependency, protection }: Arrival): Pass | Refusal | 'wait' {
    const gate = this.of({ dependency });
    const pause = this.#pauses.over({ saga, dependency });
    if (!pause && !protection) return gate.passUnprotected();
    const seed = `${run}/${step}/${kind}`;
    if (!pause) return gate.ask({ seed, retry: kind !== 'check' && attempt > 1 });
    gate.passOn();
    return this.#paused(pause, seed);
  }

  health(): readonly DependencyHealth[] {
    return [...this.#gates.values()].map((gate) => ({ name: gate.name, state: this.#stateOf(gate), ...gate.counts, openMs: Math.ceil(gate.openMs) }));
  }

  get paused(): readonly Pause[] {
    return this.#pauses.all;
  }

  /** From now on these pauses stand, and no others. */
  pause(pauses: readonly Pause[]): void {
    this.#pauses.set(pauses);
    for (const name of this.#gates.keys()) this.#tell(name);
  }

  #paused(pause: Pause, seed: string): Refusal {
    const now = this.#clock.now();
    const why = [
      `${pausableText(pause.what)} is paused`,
      ...(pause.by === null ? [] : [`by ${pause.by}`]),
      ...(pause.reason === null ? [] : [`because ${pause.reason}`]),
    ];
    return { code: PAUSED, why: why.join(' '), retryAfterMs: patienceMs(now - pause.at, `${seed}/${now}`) };
  }

  #stateOf(gate: Gate): DependencyState {
    return this.#pauses.over({ dependency: gate.name }) ? 'paused' : gate.state;
  }

  #tell(name: string): void {
    const before = this.#states.get(name) as DependencyState;
    const state = this.#stateOf(this.#gates.get(name) as Gate);
    if (state === before) return;
    this.#states.set(name, state);
    this.#changed({ dependency: name, before, state });
  }
}

function protections(depends: readonly Depends[]): ReadonlyMap<string, Dependency | undefined> {
  const found = new Map<string, Depends>();
  for (const one of depends) {
    const known = found.get(one.dependency);
    if (known?.protection && one.protection && !sameSettings(known.protection, one.protection)) throw duplicate(known, one);
    if (!known?.protection) found.set(one.dependency, one);
  }
  return new Map([...found].map(([name, { protection }]) => [name, protection]));
}

function sameSettings(a: Dependency, b: Dependency): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function duplicate(first: Depends, second: Depends): SagachartError {
  const { dependency } = first;
  return new SagachartError(
    'SC_DUPLICATE_DEPENDENCY',
    `dependency ${dependency} is protected in two ways: ${JSON.stringify(first.protection)} in ${first.saga}, ${JSON.stringify(second.protection)} in ${second.saga}`,
    {
      next: `Make it once with dependency('${dependency}', …), and give that value to all steps.`,
      details: { dependency, sagas: [first.saga, second.saga] },
    },
  );
}
