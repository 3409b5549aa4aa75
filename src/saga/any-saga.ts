import type { Saga } from './saga.ts';

/** Any saga, whatever it carries. */
// biome-ignore lint/suspicious/noExplicitAny: a saga of any types stands for all of them
export type AnySaga = Saga<string, any, any, any, any, any, any, any, any>;
