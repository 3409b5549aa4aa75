const WITH_UNDO = Symbol.for('sagachart.withUndo');

/** A result, and what only its undo needs. */
export interface WithUndo<R, Data> {
  readonly [WITH_UNDO]: true;
  readonly result: R;
  readonly undoData: Data;
}

/**
 * What a step returns that has to remember something for its undo, such as the value it has overwritten: `compensate`
 * finds it in `outcome.undoData`. It is stored with the result, and later steps do not see it.
 */
export function withUndo<R, Data>(result: R, undoData: Data): WithUndo<R, Data> {
  return { [WITH_UNDO]: true, result, undoData };
}

/** The result as later steps see it. */
export type ResultOnly<R> = R extends WithUndo<infer Result, unknown> ? Result : R;
/** What the undo gets besides. */
export type UndoDataOf<R> = R extends WithUndo<unknown, infer Data> ? Data : undefined;

export function isWithUndo(value: unknown): value is WithUndo<unknown, unknown> {
  return typeof value === 'object' && value !== null && WITH_UNDO in value;
}
