import { BusyError, HardError, SagachartError } from '../../base/errors.ts';
import { sourcesOf } from '../../chart/implementations.ts';
import type { SagaDefinition, StepDefinition } from '../../saga/definition.ts';
import { type Duration, durationMs } from '../../saga/duration.ts';

/** How one attempt goes, in place of the function that would have run. */
export type ScriptedOutcome<R = unknown> =
  | { readonly how: 'succeeds'; readonly result: R }
  | { readonly how: 'throws'; readonly error: unknown }
  /** It says nothing, and listens to nothing: only its timeout and its grace end it. */
  | { readonly how: 'stalls' }
  /** The function of the saga runs after all. */
  | { readonly how: 'runs' }
  /** The same, after a while. */
  | { readonly how: 'later'; readonly ms: number; readonly then: ScriptedOutcome<R> };

/** The attempt succeeds, with this result. */
export function succeeds<R>(result?: R): ScriptedOutcome<R> {
  return { how: 'succeeds', result: result as R };
}

/** The dependency says no, and nothing has happened. */
export function refused(message = 'refused'): ScriptedOutcome<never> {
  return { how: 'throws', error: new HardError(message) };
}

/** The dependency says not now, and nothing has happened. */
export function busy(message = 'busy'): ScriptedOutcome<never> {
  return { how: 'throws', error: new BusyError(message) };
}

/** No answer comes: it may have happened. */
export function unanswered(message = 'no answer'): ScriptedOutcome<never> {
  return { how: 'throws', error: new Error(message) };
}

/** The attempt throws this. */
export function throws(error: unknown): ScriptedOutcome<never> {
  return { how: 'throws', error };
}

/** The attempt never ends by itself. */
export function stalls(): ScriptedOutcome<never> {
  return { how: 'stalls' };
}

/** The saga's own function runs. */
export function runs(): ScriptedOutcome<never> {
  return { how: 'runs' };
}

/** The attempt takes this long, and then goes so. A timeout may come first. */
export function later<R>(duration: Duration, then: ScriptedOutcome<R>): ScriptedOutcome<R> {
  return { how: 'later', ms: durationMs(duration, 'later', 'script'), then };
}

/** What attempts of a step do, one after the other: `run` of a step by its name, `check` and `undo` after a dot. */
export class ScriptBook {
  readonly #outcomes: ReadonlyMap<string, ScriptedOutcome[]>;
  readonly #taken = new Map<string, number>();

  constructor(script: Readonly<Record<string, readonly ScriptedOutcome[] | undefined>>) {
    this.#outcomes = new Map(Object.entries(script).map(([id, outcomes]) => [id, [...(outcomes ?? [])]]));
  }

  get ids(): readonly string[] {
    return [...this.#outcomes.keys()];
  }

  /** Whether an attempt of it takes time. */
  waits(id: string): boolean {
    return this.#outcomes.get(id)?.some(({ how }) => how === 'later' || how === 'stalls') ?? false;
  }

  /** Undefined where nothing is scripted. @throws SagachartError SC_SCRIPT_MISSING where the script has ended */
  next(saga: string, id: string): ScriptedOutcome | undefined {
    const outcomes = this.#outcomes.get(id);
    if (!outcomes) return undefined;
    const taken = (this.#taken.get(id) ?? 0) + 1;
    this.#taken.set(id, taken);
    const outcome = outcomes.shift();
    if (outcome) return outcome;
    throw new SagachartError('SC_SCRIPT_MISSING', `saga ${saga}: attempt ${taken} of ${id} has no scripted outcome`, {
      next: `Add one to script['${id}'], or leave ${id} out of the script to have its own function run.`,
      details: { saga, attempt: id, number: taken },
    });
  }
}

/** @throws SagachartError SC_SCRIPT_MISSING if a script is for nobody; SC_HARNESS if it lets a transactional step wait */
export function checkScript({ name: saga, steps }: Pick<SagaDefinition, 'name' | 'steps'>, book: ScriptBook): void {
  const known = steps.flatMap(scriptNames);
  const nobody = book.ids.find((id) => !known.includes(id.replace(/\[\d+\]/, '[]')));
  if (nobody !== undefined)
    throw new SagachartError('SC_SCRIPT_MISSING', `saga ${saga} has nothing to script by the name ${JSON.stringify(nobody)}`, {
      next: `There are: ${known.join(', ')}.`,
      details: { saga, attempt: nobody },
    });
  const atOnce = steps.flatMap(({ name, transact }) => (transact ? [name, `${name}.undo`] : []));
  const waits = atOnce.find((id) => book.waits(id));
  if (waits === undefined) return;
  throw new SagachartError('SC_HARNESS', `saga ${saga}: ${waits} is transactional, so that it takes no time, and its script lets it wait`, {
    next: 'Script it without later() and stalls().',
    details: { saga, attempt: waits },
  });
}

/** What a script may name; of a map any item. */
function scriptNames(step: StepDefinition): readonly string[] {
  if (!step.map) return sourcesOf(step);
  return ['', ...(step.map.check ? ['.check'] : []), ...(step.compensate ? ['.undo'] : [])].map((what) => `${step.name}[]${what}`);
}
