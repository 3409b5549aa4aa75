import type { StepLog } from '../saga/definition.ts';

/** Where the engine logs; every line of a child carries its bindings. */
export interface Log extends StepLog {
  child(bindings: Readonly<Record<string, unknown>>): Log;
}

export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };
