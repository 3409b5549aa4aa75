import { quoted } from '../base/quoted.ts';
import { durationMs } from '../saga/duration.ts';
import type { Alert, AlertSink, SendContext } from './alert.ts';
import { badOption } from './bad-option.ts';

/** A sink, or a named function that is one. */
export type AlertTarget = AlertSink | ((alert: Alert, context: SendContext) => unknown);

/** Checked and complete. */
export interface Sink {
  readonly name: string;
  readonly timeoutMs: number;
  send(alert: Alert, context: SendContext): unknown;
}

const LONGEST_NAME = 100;
const LONGEST_TIMEOUT_MS = 600_000;

/**
 * @param targets undefined: alerts are not wanted, and none are written
 * @throws DefinitionError SC_OPTION, SC_DEFINITION_DURATION
 */
export function checkSinks(targets: readonly AlertTarget[] | undefined): readonly Sink[] {
  if (targets === undefined) return [];
  if (!Array.isArray(targets) || targets.length === 0)
    throw badOption('alerts', quoted(targets), 'it must be a list of at least one sink; leave it out to have alerts in the log');
  const names = new Set<string>();
  return targets.map((target: AlertTarget, i) => {
    const where = `alerts[${i}]`;
    const { name, timeout = '30s' }: Pick<AlertSink, 'name' | 'timeout'> = target ?? {};
    const send = typeof target === 'function' ? target : target?.send?.bind(target);
    if (typeof send !== 'function') throw badOption(where, quoted(target), 'it must be a sink such as webhookSink(url), or a named function');
    if (typeof name !== 'string' || name === '' || name.length > LONGEST_NAME)
      throw badOption(`${where}.name`, name, `it must be text of 1 to ${LONGEST_NAME} characters: what waits for a sink is stored under its name`);
    if (names.has(name)) throw badOption(`${where}.name`, name, 'another sink has that name');
    names.add(name);
    const timeoutMs = durationMs(timeout, `${where}.timeout`);
    if (timeoutMs < 1 || timeoutMs > LONGEST_TIMEOUT_MS) throw badOption(`${where}.timeout`, timeout, 'it must be more than 0 and 10 min at most');
    return { name, timeoutMs, send };
  });
}
