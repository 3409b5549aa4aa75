import { quoted } from '../base/quoted.ts';
import { definitionError, type Where } from './error.ts';

/** What the states of a chart are called, where steps stand beside them. */
const STATES = new Set([
  ...['running', 'compensating', 'completed', 'compensated', 'canceled', 'failed', 'terminated', 'ended', 'abort', 'cancel', 'terminate'],
  ...['waiting', 'attempting', 'working', 'stopping', 'checking', 'backingOff', 'succeeded', 'refused', 'unknown', 'notStarted', 'attention'],
  ...[
    'skipped',
    'sleeping',
    'undone',
    'nothingToUndo',
    'passed',
    'undoing',
    'fallingBack',
    'fellBack',
    'awaiting',
    'deciding',
    'taken',
    'notTaken',
    'goingAround',
    'reached',
    'held',
    'resuming',
    'rewind',
  ],
]);
/** What a parent sends to its children. */
const SENT = new Set(['undo', 'release']);
/** What every object of JavaScript has: a look-up by such a name would find that. */
const TAKEN = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype', 'then']);

/** @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED */
export function checkStepName(saga: string, name: unknown): asserts name is string {
  const where = { saga, step: typeof name === 'string' ? name : quoted(name) };
  if (typeof name === 'string' && (STATES.has(name) || name.endsWith('Lane'))) throw reserved(where, name, 'for the chart');
  checkName(where, name);
}

/** A signal is an event of the chart, beside those that it sends to itself. @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED */
export function checkSignalName(where: Where, name: string): void {
  if (STATES.has(name) || SENT.has(name)) throw reserved(where, name, 'for the chart');
  checkName(where, name);
}

/** A query is no part of the chart. @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED */
export function checkQueryName(where: Where, name: string): void {
  checkName(where, name);
}

/** The name of a saga stands alone: it may be that of a state. @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED */
export function checkSagaName(name: unknown): asserts name is string {
  checkName({ saga: typeof name === 'string' ? name : quoted(name) }, name);
}

/** @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED */
export function checkDependencyName(name: unknown): asserts name is string {
  checkName({ dependency: typeof name === 'string' ? name : quoted(name) }, name);
}

function checkName(where: Where, name: unknown): void {
  if (typeof name === 'string' && TAKEN.has(name)) throw reserved(where, name, 'by JavaScript');
  if (typeof name === 'string' && /^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name)) return;
  throw definitionError('SC_DEFINITION_NAME', where, {
    what: `${quoted(name)} is not a name`,
    next: 'Use a letter, then up to 63 letters, digits, - or _.',
    value: name,
  });
}

function reserved(where: Where, name: string, by: string): Error {
  return definitionError('SC_DEFINITION_RESERVED', where, { what: `the name ${quoted(name)} is reserved ${by}`, next: 'Choose another name.', value: name });
}
