import type { StepDefinition } from '../saga/definition.ts';
import type { StepRecord } from './context.ts';

/** The record of a step that succeeded. */
export function succeeded({ failure: _, progress: __, ...record }: StepRecord, result: unknown): StepRecord {
  return { ...record, status: 'succeeded', losses: 0, checkLosses: 0, unknown: false, result };
}

/** What becomes of a step that nobody answered as it wanted. */
export function withoutAnswer({ optional, forward, racing }: StepDefinition): StepRecord['status'] {
  return optional || racing !== undefined ? 'passed' : forward ? 'open' : 'refused';
}
