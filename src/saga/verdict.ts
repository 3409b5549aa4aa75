const VERDICT = Symbol.for('sagachart.verdict');

/** The effect is there, with this result: for results that are themselves `undefined` or `null`. */
export interface Happened<R> {
  readonly [VERDICT]: 'happened';
  readonly result: R;
}

/** The effect is not there and can no longer come: the key is settled. */
export interface DidNotHappen {
  readonly [VERDICT]: 'didNotHappen';
}

/**
 * What `check` answers: the result if the effect is there; `undefined` or `null` if that cannot be told, or is not
 * there *yet*; `didNotHappen` only if it can no longer come.
 */
export type CheckVerdict<R> = R | Happened<R> | DidNotHappen | undefined | null;

export function happened<R>(result: R): Happened<R> {
  return { [VERDICT]: 'happened', result };
}

export const didNotHappen: DidNotHappen = { [VERDICT]: 'didNotHappen' };

/** What a verdict means for the step. */
export type Settled = { readonly verdict: 'happened'; readonly result: unknown } | { readonly verdict: 'didNotHappen' } | { readonly verdict: 'open' };

export function readVerdict(answer: unknown): Settled {
  if (answer === undefined || answer === null) return { verdict: 'open' };
  if (typeof answer === 'object' && VERDICT in answer) {
    return answer[VERDICT] === 'didNotHappen' ? { verdict: 'didNotHappen' } : { verdict: 'happened', result: (answer as Happened<unknown>).result };
  }
  return { verdict: 'happened', result: answer };
}
