/** What goes wrong with one call. */
export type Fault =
  | { readonly type: 'none' }
  /** The service says no, for good. */
  | { readonly type: 'refuse'; readonly message?: string }
  /** The service is busy and has done nothing. */
  | { readonly type: 'busy'; readonly retryAfterMs?: number }
  /** The connection breaks before the call arrives. */
  | { readonly type: 'break' }
  /** The call has its effect, and the answer is lost. */
  | { readonly type: 'loseAnswer' }
  /** Nothing comes for `ms`, then the call goes through; with `deaf` it does not hear that it is to stop. */
  | { readonly type: 'stall'; readonly ms: number; readonly deaf?: boolean }
  /** The process dies, before the effect or just after it. */
  | { readonly type: 'crash'; readonly when: 'before' | 'after' };

export interface Call {
  readonly service: string;
  readonly operation: string;
  readonly kind: 'run' | 'undo';
  readonly run: string;
  readonly step: string;
  /** Which call under this key this is, from 1. */
  readonly nth: number;
}

/** Decides what goes wrong, from what is asked alone: the same call fails the same way in every process. */
export type FaultPlan = (call: Call) => Fault;

export const NO_FAULT: Fault = { type: 'none' };
