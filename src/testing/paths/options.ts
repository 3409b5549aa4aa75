/** How an attempt goes, as paths tell it. */
export type PathOutcome = 'succeeds' | 'is refused' | 'is busy' | 'gets no answer';

export interface PathOptions {
  /** What attempts can come to. Default: they succeed, are refused, or get no answer. */
  readonly outcomes?: readonly PathOutcome[];
  /** Attempts that policies are cut to. Default: 1, so that a path has no retries. */
  readonly attempts?: number;
  /** Whether the run can be canceled. Default: false. */
  readonly cancel?: boolean;
  /** Of places to look at, and of simple paths. Default: 10,000. */
  readonly limit?: number;
}
