import type { output as ZodOutput, ZodType } from 'zod';
import type { Classify, ErrorReadings } from './classify.ts';
import type { AttemptContext, StepOutcome } from './definition.ts';
import type { Dependency } from './dependency.ts';
import type { Duration } from './duration.ts';
import type { AttemptOptions } from './policy.ts';
import type { CheckVerdict } from './verdict.ts';
import type { ResultOnly, UndoDataOf } from './with-undo.ts';

/** Whether the pivot has passed: after it `compensate` is refused by type. */
export type Stage = 'undoable' | 'forward';

/** Results flattened for people: only where a callback reads them, because flattening at each step ends in TS2589. */
export type Flat<D> = { readonly [K in keyof D]: D[K] };

/** What the type of a saga carries for those who run it. */
export interface Carried<Output, Services, Given, Signals> {
  readonly output: Output;
  readonly services: (services: Services) => void;
  readonly input: Given;
  readonly signals: Signals;
}

/** Carries a type without a value: `services: type<Services>()`. */
export interface TypeOnly<T> {
  readonly carries?: T | undefined;
}

export function type<T>(): TypeOnly<T> {
  return {};
}

type Common<Input, Results, Services> = Omit<AttemptContext, 'input' | 'results' | 'services'> & {
  readonly input: Input;
  readonly results: Flat<Results>;
  readonly services: Services;
};

/** What `run` is given. */
export type StepContext<Input = unknown, Results = unknown, Services = unknown> = Common<Input, Results, Services> & { readonly key: string };

/** What `check` is given: the key under which `run` may have had its effect. */
export type StepCheckContext<Input = unknown, Results = unknown, Services = unknown> = Common<Input, Results, Services> & { readonly runKey: string };

/** What `compensate` is given; no bare `key`, which would compile where `runKey` was meant. */
export type StepUndoContext<Input = unknown, Result = unknown, Results = unknown, Services = unknown> = Common<Input, Results, Services> & {
  readonly outcome: StepOutcome<ResultOnly<Result>, UndoDataOf<Result>>;
  readonly runKey: string;
  readonly undoKey: string;
};

type Json = string | number | boolean | null | undefined;

/** Four levels deep; `any` and `unknown` pass, so the check at run time stays. */
type NotStorable<T, Path extends string, Depth extends readonly unknown[] = []> = unknown extends T
  ? never
  : Depth['length'] extends 4
    ? never
    : T extends Json
      ? never
      : T extends (...args: never[]) => unknown
        ? Path
        : T extends symbol | bigint | Date | Map<unknown, unknown> | Set<unknown> | RegExp | Error | Promise<unknown>
          ? Path
          : T extends readonly (infer Item)[]
            ? NotStorable<Item, `${Path}[]`, [...Depth, 0]>
            : T extends object
              ? { [K in keyof T & string]: NotStorable<T[K], `${Path}.${K}`, [...Depth, 0]> }[keyof T & string]
              : never;

/** What a `run` may return: the result itself, or the reason why it cannot be stored. */
export type Storable<R> = [NotStorable<Awaited<R>, 'result'>] extends [never]
  ? unknown
  : `${NotStorable<Awaited<R>, 'result'>} cannot be stored: return plain JSON data`;

/** Options that every kind of step has. */
export interface StepOptions extends AttemptOptions {
  /**
   * Says what an error means, where the default does not fit: a function, or a list of classes of errors, as
   * `[[CardDeclined, 'refused'], [TooManyRequests, 'busy']]`. Default: see `HardError` and `BusyError`.
   */
  readonly classify?: Classify | ErrorReadings;
  /** The service it depends on, shown with its failures: what `dependency()` made, or a name alone, which protects nothing. */
  readonly dependency?: string | Dependency;
  /** The recorded reason for the step and its policies. */
  readonly why?: string;
  /** How long the step may take over all its attempts and the waits between them, from the first one on. Default: for ever. */
  readonly within?: Duration;
  /** Parses what `run` returns; what it refuses counts as "may have happened". */
  readonly result?: ZodType;
}

/** Asks the dependency what became of a key, after an attempt whose outcome is unknown. */
export interface CheckOption<Input, Result, Results, Services> {
  readonly check?: (
    context: StepCheckContext<Input, Results, Services>,
  ) => CheckVerdict<ResultOnly<NoInfer<Result>>> | Promise<CheckVerdict<ResultOnly<NoInfer<Result>>>>;
}

/** How a step is undone. */
export interface UndoOptions<Input, Result, Results, Services> {
  /** Undoes the step. It may be called more than once with the same `undoKey`, and for a step that never happened. */
  readonly compensate: (context: StepUndoContext<Input, NoInfer<Result>, Results, Services>) => unknown;
  /** Policy of `compensate`. Default: 10 attempts, up to 1 min apart. */
  readonly undo?: AttemptOptions;
}

type NothingToUndo = 'there is nothing to undo: a .read changes nothing, and from the pivot on a run only goes forward';

/** A step after the pivot has no undo: it only goes forward. */
export interface NoUndo {
  readonly compensate?: NothingToUndo;
  readonly undo?: NothingToUndo;
}

/** How a run goes on without a step: it is degraded then. */
export interface GracefulOptions<Input, Results, Services, Fallback, Optional> {
  /** Where the step fails the run goes on without its result. Default: false. */
  readonly optional?: Optional;
  /** Gives the result where the step fails. It is tried once, and must have nothing to undo. */
  readonly fallback?: (context: StepContext<Input, Results, Services>) => Fallback & Storable<Fallback>;
}

/** The result of a step as later ones see it. */
export type ResultOf<R, Fallback = never, Optional = false> = ResultOnly<Awaited<R>> | Awaited<Fallback> | (Optional extends true ? undefined : never);

/** What a `.step` must say: before the pivot how it is undone, after it nothing of the kind. */
export type StepRules<S extends Stage, Input, Result, D, Services> = StepOptions &
  CheckOption<Input, Result, D, Services> &
  (S extends 'forward' ? NoUndo : UndoOptions<Input, Result, D, Services>);

/** A `.step` without options, before the pivot: refused at its name, because "Expected 3 arguments" would not say why. */
export type NameWithoutUndo<S, Name extends string, Taken> = S extends 'forward'
  ? NewName<Name, Taken>
  : 'say how it is undone: add { compensate }, or use .read where there is nothing to undo';

/** What a signal carries, as its schema makes it. */
export type Payload<Signals, Signal extends keyof Signals> = Signals[Signal] extends ZodType ? ZodOutput<Signals[Signal]> : unknown;

export type Named<Name extends string, R> = { readonly [K in Name]: R };

/** What a wait adds to the results: the payload, or what it goes on with where that does not come. */
export type Waited<Name extends string, Signals, Signal extends keyof Signals, Optional, Otherwise> = Named<
  Name,
  Payload<Signals, Signal> | Otherwise | (Optional extends true ? undefined : never)
>;

/** Results that may be missing: of what a run may pass over. */
export type Maybe<Added> = { readonly [K in keyof Added]: Added[K] | undefined };

/** The name of a step that is not there yet. */
export type NewName<Name extends string, Taken> = Name extends keyof Taken ? `a step named '${Name}' exists already` : Name;
