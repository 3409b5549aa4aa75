import { quoted } from '../base/quoted.ts';
import { definitionError, type Where } from './error.ts';

/** A length of time: `'200ms'`, `'10s'`, `'5m'`, `'24h'`, `'2d'`, or a number of milliseconds. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}` | number;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const LONGEST_MS = 100 * 366 * UNIT_MS.d;

/**
 * Milliseconds of a duration, from 0 to 100 years.
 * @param option what the duration is for, for the message
 * @param where what the option belongs to, for the message; default: the engine
 * @throws DefinitionError SC_DEFINITION_DURATION with the offending value
 */
export function durationMs(duration: Duration, option: string, where: Where = 'engine'): number {
  const ms = typeof duration === 'number' ? duration : parse(duration);
  if (Number.isFinite(ms) && ms >= 0 && ms <= LONGEST_MS) return Math.round(ms);
  throw definitionError('SC_DEFINITION_DURATION', where, {
    what: `${option} is ${quoted(duration)}, which is not a duration`,
    next: "Write a number and a unit, such as '200ms', '10s', '5m', '24h' or '2d', up to 100 years.",
    option,
    value: duration,
  });
}

function parse(text: unknown): number {
  const match = typeof text === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) : null;
  return match ? Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS] : Number.NaN;
}

/** The shortest readable form: `'1.5s'`, `'24h'`. */
export function durationText(ms: number): string {
  const unit = (['d', 'h', 'm', 's'] as const).find((name) => ms >= UNIT_MS[name] && Number.isInteger((ms / UNIT_MS[name]) * 10)) ?? 'ms';
  return `${ms / UNIT_MS[unit]}${unit}`;
}
