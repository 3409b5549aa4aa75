import { encode, stored } from '../base/encoding.ts';
import { SagachartError } from '../base/errors.ts';
import type { RunEvent } from '../kernel/event.ts';
import { isReserved } from '../kernel/event.ts';
import { parseWith } from '../saga/schema.ts';
import type { RunIdentity } from '../stores/store.ts';
import { checkSize } from './attempt.ts';
import type { Cell } from './cell.ts';
import type { Command, RunCommand } from './command.ts';
import { decided } from './decision.ts';
import type { Program } from './program.ts';
import { reasonMissing, rewindRefused } from './refusal.ts';
import { note, who } from './who.ts';

/**
 * The event by which a run hears of a command.
 * @throws SagachartError SC_SIGNAL_UNKNOWN, SC_SIGNAL_INVALID, SC_EVENT_RESERVED, SC_REASON_MISSING, SC_NOT_STUCK, SC_UNKNOWN_STEP, SC_APPROVAL_OVER, SC_DECISION_INVALID, SC_REWIND
 */
export function eventOf(cell: Cell, command: RunCommand, maxBytes: number): RunEvent {
  switch (command.type) {
    case 'signal':
      return signalEvent(cell, command, maxBytes);
    case 'cancel':
      return { type: 'sent', event: { type: 'cancel', ...who(command) } };
    case 'terminate':
      return { type: 'terminated', ...who(command) };
    case 'pause':
      return { type: 'paused', ...who(command) };
    case 'resume':
      return { type: 'resumed', ...who(command) };
    case 'decide':
      return decided(cell, command, maxBytes);
    case 'rewind':
      return rewindEvent(cell, command);
    default:
      return operatorEvent(cell, command, maxBytes);
  }
}

/**
 * The event of a signal: parsed, storable, within the limit.
 * @throws SagachartError SC_SIGNAL_UNKNOWN, SC_SIGNAL_INVALID, SC_EVENT_RESERVED, SC_NOT_STORABLE, SC_PAYLOAD_TOO_LARGE
 */
export function signalEvent(
  { identity: { id, saga }, program }: { readonly identity: Pick<RunIdentity, 'id' | 'saga'>; readonly program: Program },
  { name, payload, id: once }: Extract<Command, { type: 'signal' }>,
  maxBytes: number,
): RunEvent {
  if (isReserved(name)) {
    throw new SagachartError('SC_EVENT_RESERVED', `run ${id}: the event ${JSON.stringify(name)} is XState's own and cannot be sent from outside`, {
      next: 'Send an event that the workflow declares.',
      details: { run: id, signal: name },
    });
  }
  const schema = Object.hasOwn(program.signals, name) ? program.signals[name] : undefined;
  if (!schema) {
    throw new SagachartError('SC_SIGNAL_UNKNOWN', `run ${id}: ${saga} declares no signal ${JSON.stringify(name)}`, {
      next: `Declared are: ${Object.keys(program.signals).join(', ') || 'none'}.`,
      details: { run: id, saga, signal: name },
    });
  }
  const parsed = parseWith(schema, payload === undefined && program.kind === 'workflow' ? {} : payload);
  if ('problem' in parsed) {
    throw new SagachartError('SC_SIGNAL_INVALID', `run ${id}: the payload of signal ${name} does not fit its schema: ${parsed.problem}`, {
      next: 'Correct the payload.',
      details: { run: id, signal: name },
      cause: parsed.cause,
    });
  }
  const text = encode(parsed.value, `payload of ${name}`);
  checkSize(text, `the payload of signal ${name}`, maxBytes);
  return { type: 'sent', event: program.signalEvent(name, stored(text)), ...(once === undefined ? {} : { once: note('id', once) }) };
}

/** @throws SagachartError SC_REASON_MISSING, SC_REWIND, SC_OPTION */
function rewindEvent({ identity: { id }, program, state }: Cell, command: Extract<Command, { type: 'rewind' }>): RunEvent {
  const about = who(command);
  if (!about.reason?.trim()) throw reasonMissing(id, `going back to ${command.to}`);
  const to = note('to', command.to);
  const problem = state.snapshot && state.data.status === 'active' ? program.noWayBack(state, to) : undefined;
  if (problem) throw rewindRefused(id, to, problem);
  return { type: 'sent', event: { type: 'rewind', to, ...about } };
}

function operatorEvent(cell: Cell, command: Extract<Command, { type: 'retry' | 'skip' | 'resolve' }>, maxBytes: number): RunEvent {
  const { identity, program, state } = cell;
  const { id } = identity;
  const stuck = program.stuck(state);
  if (command.type === 'retry' && state.data.faults) return { type: 'refitted', ...who(command) };
  const step = command.step ?? (stuck.length === 1 ? stuck[0] : undefined);
  if (step === undefined) {
    throw new SagachartError(
      'SC_NOT_STUCK',
      `run ${id}: ${stuck.length === 0 ? 'no step needs a person' : `several steps need a person: ${stuck.join(', ')}`}`,
      {
        next: stuck.length === 0 ? 'Look at its state with `sagachart show`.' : 'Name the step.',
        details: { run: id, stuck },
      },
    );
  }
  const type = program.operate(state, step, command.type);
  if (type === undefined) {
    throw new SagachartError('SC_UNKNOWN_STEP', `run ${id}: ${identity.saga} has no step ${JSON.stringify(step)} to ${command.type}`, {
      next: `Stuck are: ${stuck.join(', ') || 'none'}.`,
      details: { run: id, step },
    });
  }
  const about = who(command);
  if (command.type === 'skip' && !about.reason?.trim()) {
    throw reasonMissing(id, `skipping step ${step}`);
  }
  if (command.type !== 'resolve') return { type: 'sent', event: { type, ...about } };
  const text = encode(program.resolved(state, step, command.result), `result of ${step}`);
  checkSize(text, `the result of step ${step}`, maxBytes);
  return { type: 'sent', event: { type, result: stored(text), ...about } };
}
