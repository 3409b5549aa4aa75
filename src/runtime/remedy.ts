import { encode, sha256 } from '../base/encoding.ts';
import { checkRunId, LONGEST_RUN_ID } from '../base/ids.ts';
import { quoted } from '../base/quoted.ts';
import type { InboxEntry } from '../stores/store.ts';
import type { Alert } from './alert.ts';
import { badOption } from './bad-option.ts';
import { encodeCommand } from './command.ts';
import { prepareInput } from './input.ts';
import type { Program, Programs } from './program.ts';

/** A saga that is started when a run of another one fails, or needs a person. */
export interface RemedyOptions {
  /** Name of the saga or workflow whose runs it is for, of whatever version. */
  readonly of: string;
  /** `failure`: it ended `failed` or `compensated`. `attention`: a step of it, or its chart, needs a person. */
  readonly on: 'failure' | 'attention';
  /** Name of what is started. */
  readonly start: string;
  /** Default: the newest one. */
  readonly version?: number;
  /**
   * Makes its input: quick and without effects, because it may be asked more than once about one failure. Where it
   * throws, or makes what the schema refuses, nothing is started, and an alert says so. Default: the alert itself.
   */
  readonly input?: (alert: Alert) => unknown;
}

const OPTIONS = ['of', 'on', 'start', 'version', 'input'];

/** @throws DefinitionError SC_OPTION, also where remedies could start each other for ever */
export function checkRemedies(remedies: readonly RemedyOptions[], programs: readonly Pick<Program, 'name' | 'version'>[]): readonly RemedyOptions[] {
  if (!Array.isArray(remedies)) throw badOption('remedies', quoted(remedies), 'it must be a list');
  for (const [i, remedy] of remedies.entries()) checkRemedy(`remedies[${i}]`, remedy, programs);
  const circle = circleIn(remedies);
  if (circle) throw badOption('remedies', circle.join(' → '), 'a remedy that fails would start itself again, without end');
  return remedies;
}

function checkRemedy(where: string, remedy: RemedyOptions, programs: readonly Pick<Program, 'name' | 'version'>[]): void {
  if (typeof remedy !== 'object' || remedy === null) throw badOption(where, quoted(remedy), 'it must be { of, on, start, input }');
  for (const name of Object.keys(remedy)) if (!OPTIONS.includes(name)) throw badOption(`${where}.${name}`, remedy[name as never], 'there is no such option');
  const { of, on, start, version, input } = remedy;
  const known = [...new Set(programs.map(({ name }) => name))];
  for (const [name, value] of Object.entries({ of, start }))
    if (!known.includes(value)) throw badOption(`${where}.${name}`, value, `it must be one of the sagas of this engine: ${known.join(', ') || 'none'}`);
  if (version !== undefined && !programs.some((program) => program.name === start && program.version === version))
    throw badOption(`${where}.version`, version, `it must be a version of ${start} that this engine has`);
  if (on !== 'failure' && on !== 'attention') throw badOption(`${where}.on`, on, "it must be 'failure' or 'attention'");
  if (input !== undefined && typeof input !== 'function') throw badOption(`${where}.input`, quoted(input), 'it must be a function of the alert');
}

/** The names on a way from a saga back to itself, if there is one. */
function circleIn(remedies: readonly RemedyOptions[]): readonly string[] | undefined {
  const visit = (name: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    for (const { of, start } of remedies) {
      const found = of === name ? visit(start, [...path, name]) : undefined;
      if (found) return found;
    }
    return undefined;
  };
  for (const { of } of remedies) {
    const found = visit(of, []);
    if (found) return found;
  }
  return undefined;
}

/**
 * The message that starts a remedy: the same failure always makes the same, so that it is started once.
 * @throws whatever stands in the way of it
 */
export function remedyMessage(
  remedy: RemedyOptions,
  alert: Alert,
  { programs, maxBytes }: { readonly programs: Programs; readonly maxBytes: number },
): InboxEntry {
  const { start: saga, version } = remedy;
  const input = remedy.input ? remedy.input(alert) : alert;
  prepareInput(programs.find(saga, version), input, maxBytes);
  const run = checkRunId(remedyRunId(remedy, alert));
  const { run: about, status, step } = alert;
  const body = encodeCommand({
    type: 'start',
    saga,
    ...(version === undefined ? {} : { version }),
    input,
    labels: { remedyOf: about.id },
    remedyFor: { run: about, status, step },
  });
  return { id: run, run, body, at: alert.at };
}

/** `remedy:trip-7/1/failure/charge/fix-trip`; where that is too long for an id, its hash. */
export function remedyRunId({ start }: RemedyOptions, { run, kind, step }: Pick<Alert, 'run' | 'kind' | 'step'>): string {
  const part = (text: string): string => encodeURIComponent(text.toWellFormed());
  const id = `remedy:${run.id}/${run.incarnation}/${kind}/${part(step)}/${part(start)}`;
  return Buffer.byteLength(id) <= LONGEST_RUN_ID ? id : `remedy:${sha256(encode(id))}`;
}
