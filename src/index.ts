import { compileSaga } from './chart/chart.ts';
import { createSaga } from './saga/begin.ts';

/** Begins a saga: see `Saga` for its verbs. */
export const saga = createSaga(compileSaga);

export { BusyError, DefinitionError, HardError, SagachartError, StoreError } from './base/errors.ts';
export type { Failure } from './base/failure.ts';
export { type WorkflowMigration, workflow } from './chart/workflow.ts';
export { type SagachartClient, sagachartClient } from './client/client.ts';
export type { ClientRun } from './client/run.ts';
export { defineConfig } from './config.ts';
export { logSink } from './observe/alerts/log-sink.ts';
export { type WebhookOptions, webhookSink } from './observe/alerts/webhook-sink.ts';
export type { Alert, AlertedRun, AlertFailure, AlertKind, AlertSink, SendContext } from './runtime/alert.ts';
export type { Archive } from './runtime/archive.ts';
export type { Interceptor } from './runtime/interceptor.ts';
export type { MigrateAllOptions, MigrationResult } from './runtime/migrate-all.ts';
export type { QueueOptions } from './runtime/queue.ts';
export type { Rollout, RolloutOptions } from './runtime/rollout.ts';
export type { Debounce, Scheduling } from './runtime/scheduling.ts';
export type { RunUpdate } from './runtime/updates.ts';
export { type Dependency, type DependencyOptions, dependency } from './saga/dependency.ts';
export type { Migration } from './saga/migration.ts';
export { step } from './saga/reusable.ts';
export { type } from './saga/types.ts';
export { didNotHappen, happened } from './saga/verdict.ts';
export { withUndo } from './saga/with-undo.ts';
export { type Remedy, type Schedule, sagachart } from './sagachart.ts';
export { memory } from './stores/memory/memory.ts';
export { sqlite } from './stores/sqlite/sqlite.ts';
export type { RunFilter, RunRow } from './stores/store.ts';
