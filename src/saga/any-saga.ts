import type { Saga } from './saga.ts';
import type { Stage } from './types.ts';

/** Any saga, whatever it carries. */
// biome-ignore lint/suspicious/noExplicitAny: a saga of any types stands for all of them
export type AnySaga = Saga<string, any, any, any, any, any, any, any, any>;

/** The same saga with more results. */
export type More<Name extends string, Input, Services, D, Added, S extends Stage, Output, Given, Signals, M> = Saga<
  Name,
  Input,
  Services,
  D & M,
  Added & M,
  S,
  Output,
  Given,
  Signals
>;
