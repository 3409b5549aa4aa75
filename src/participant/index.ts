export { BusyError, HardError, SagachartError } from '../base/errors.ts';
export type { Answered, AsyncDatabase, Database, SqlValue, SyncDatabase } from './database.ts';
export { LateRunError, LockLostError, StaleFenceError, ValueChangedError } from './errors.ts';
export { type Found, type GuardOptions, type ParticipantGuard, participantGuard, type RunCall, type UndoCall } from './guard.ts';
export { type LockHold, type LockHolder, type LockOptions, type SemanticLock, semanticLock } from './lock.ts';
export { reread } from './reread.ts';
export { runOf } from './run-of.ts';
