/** The part of XState's state config that the compiler writes, as plain data: what is exported is what runs. */
export interface StateConfig {
  readonly type?: 'parallel' | 'final';
  readonly description?: string;
  readonly initial?: string | Initial;
  readonly tags?: readonly string[];
  readonly meta?: StepMeta | RewoundMeta;
  readonly entry?: readonly (string | Named)[];
  readonly exit?: readonly (string | Named)[];
  readonly invoke?: Invoke;
  readonly on?: Readonly<Record<string, Transition | readonly Transition[]>>;
  readonly always?: readonly Transition[];
  readonly after?: Readonly<Record<string, Transition | readonly Transition[]>>;
  readonly onDone?: readonly Transition[];
  readonly output?: unknown;
  readonly states?: Readonly<Record<string, StateConfig>>;
}

/** Where a state begins, and what is done then. */
export interface Initial {
  readonly target: string;
  readonly actions: readonly (string | Named)[];
}

/** A guard or an action by its name in the chart, and what it is about. */
export interface Named {
  readonly type: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface Transition {
  readonly target?: string | readonly string[];
  readonly guard?: string | Named;
  readonly actions?: string | Named | readonly (string | Named)[];
  readonly reenter?: boolean;
  readonly description?: string;
}

export interface Invoke {
  readonly id: string;
  readonly src: string;
  readonly input: (scope: { readonly context: unknown }) => unknown;
  readonly onDone: readonly Transition[];
  readonly onError: readonly Transition[];
}

/** Of a state that is entered only where a person has taken the run back. */
export interface RewoundMeta {
  readonly rewound: true;
}

/** What a state says about the step it stands for. */
export interface StepMeta {
  readonly step: string;
  readonly kind: string;
  readonly why?: string;
  readonly dependency?: string;
  /** The saga of which it is a run. */
  readonly child?: string;
  /** Steps that must have succeeded before this one is attempted. */
  readonly waitsFor?: readonly string[];
  /** Steps whose undo must be settled before this one's begins. */
  readonly dependents?: readonly string[];
}
