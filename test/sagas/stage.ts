import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Audit, audit, auditedSteps } from '../../sagas/services/audit.ts';
import type { Call, Fault } from '../../sagas/services/fault.ts';
import { Ledger, type LedgerRow } from '../../sagas/services/ledger.ts';
import { services } from '../../sagas/services/services.ts';
import type { SagaDefinition } from '../../src/saga/definition.ts';
import { World } from '../runtime/harness.ts';

/** A reference saga as the tests need it. */
export interface Played {
  readonly name: string;
  readonly version: number;
  readonly definition: SagaDefinition;
}

export interface Story {
  /** What the engine says at last, and whether a person had to act. */
  readonly status: string;
  readonly attention: readonly string[];
  readonly audit: Audit;
  readonly rows: readonly LedgerRow[];
  /** Calls that reached a service, whatever became of them. */
  readonly calls: number;
}

/** Longer than all timeouts, graces and waits of a reference saga together. */
const LONG_MS = 600_000;

/**
 * One run of a saga against the simulated services, their ledger in a file, all time on a manual clock: the ledger is
 * judged by the auditor, who knows nothing of the engine.
 */
export async function play(
  saga: Played,
  input: unknown,
  options: {
    readonly faults?: (call: Call) => Fault;
    readonly pure?: readonly string[];
    readonly during?: (world: World) => Promise<void>;
    readonly afterwards?: (world: World) => Promise<void>;
  } = {},
): Promise<Story> {
  const directory = mkdtempSync(join(tmpdir(), 'sagachart-stage-'));
  const ledger = new Ledger(join(directory, 'ledger.db'));
  const world = new World();
  const { clock } = world;
  const wait = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const disarm = clock.after(ms, resolve);
      signal?.addEventListener('abort', () => {
        disarm();
        reject(signal.reason);
      });
    });
  const attention: string[] = [];
  try {
    const given = services({ ledger, wait, now: () => clock.now(), ...(options.faults ? { faults: options.faults } : {}) });
    const engine = await world.open([saga as never], { services: given as never });
    const run = await engine.start(saga.name, input, { id: 'r' });
    run.until('attention').then(
      (steps) => attention.push(...steps),
      () => {},
    );
    await options.during?.(world);
    await clock.advance(LONG_MS);
    if (options.afterwards) {
      await options.afterwards(world);
      await clock.advance(LONG_MS);
    }
    const { status } = await run.status();
    const judged = audit(ledger.rows(), [{ id: 'r', status, steps: auditedSteps(saga.definition, options.pure) }]);
    return { status, attention, audit: judged, rows: ledger.rows(), calls: ledger.calls().calls };
  } finally {
    await world.close();
    ledger.close();
    rmSync(directory, { recursive: true });
  }
}

/** Nothing lost, doubled, left standing or out of order. */
export const CLEAN: Audit = { lost: 0, doubled: 0, notUndone: 0, outOfOrder: 0, details: [] };
