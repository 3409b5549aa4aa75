import type { StepLog } from '../saga/definition.ts';

/** Where the engine logs; every line of a child carries its bindings. */
export interface Log extends StepLog {
  /** Whether a line of this level would be written: asked before something costly is worked out for it. */
  enabled(level: 'debug' | 'info' | 'warn' | 'error'): boolean;
  child(bindings: Readonly<Record<string, unknown>>): Log;
}

export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, enabled: () => false, child: () => silent };
