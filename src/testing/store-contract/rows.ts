import type { Commit, OutboxRow, RunIdentity, RunStanding, Store, Tenure, WorkerInfo } from '../../stores/store.ts';
import type { ContractOptions } from './store-contract.ts';

/** What one case shows; it throws if the store does not do it. */
export type Check = (store: Store, options: ContractOptions) => Promise<void>;
export type Checks = Readonly<Record<string, Check>>;

export const worker = (name: string): WorkerInfo => ({ name, pid: 1, host: 'here', since: 1_000, leaseMs: 10_000 });
export const identity = (id: string): RunIdentity => ({ id, saga: 'saga', version: 1, fingerprint: 'f', incarnation: 1, inputHash: 'h', createdAt: 1_000 });
export const standing: RunStanding = { status: 'running', attention: false, paused: false, degraded: false, due: 0, endedAt: null, labels: {} };

export const first = (tenure: Tenure, run: number, id: string, more: Partial<Commit> = {}): Commit => ({
  run,
  seq: 1,
  fence: tenure.fence,
  at: 1_000,
  create: identity(id),
  standing,
  entry: { format: 1, codec: 0, text: `{"first":"${id}"}` },
  ...more,
});
export const next = (fence: number, run: number, seq: number, more: Partial<Commit> = {}): Commit => ({
  run,
  seq,
  fence,
  at: 1_000 + seq,
  entry: { format: 1, codec: 0, text: `{"seq":${seq}}` },
  ...more,
});

export const sorted = (rows: readonly OutboxRow[]): readonly OutboxRow[] => rows.toSorted((a, b) => a.n - b.n || (a.sink < b.sink ? -1 : 1));
