import type { Clock } from '../base/clock.ts';
import { canonical, encode, sha256 } from '../base/encoding.ts';
import { checkRunId, type Ids } from '../base/ids.ts';
import type { InboxEntry } from '../stores/store.ts';
import { checkSize } from './attempt.ts';
import { type Command, encodeCommand } from './command.ts';
import { prepareInput } from './input.ts';
import { checkLabels } from './options.ts';
import type { Programs } from './program.ts';
import { checkScheduling, schedulingOf } from './scheduling.ts';
import type { StartEntry } from './start-many.ts';

/** What is known where a command is written to the inbox. */
export interface Sender {
  /** What an executor would refuse is refused before it is stored, as far as this process knows it. */
  readonly programs: Programs;
  /** Whether these are all there are, so that another name is a mistake. Default: false. */
  readonly complete?: boolean;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Bytes of one input or signal. */
  readonly payloadBytes: number;
}

/** A start as it will stand in the inbox. */
export interface PreparedStart {
  readonly entry: InboxEntry;
  readonly saga: string;
  /** Of the input as given. */
  readonly hash: string;
  /** Undefined where only the executor knows the newest one. */
  readonly version: number | undefined;
}

/**
 * @param options.id what it is called, where it was given no id. Default: generated
 * @param options.rolledOut the version is that of a rollout: it may be newer than this process
 * @param options.open a start that names no version leaves it to the executor
 * @throws SagachartError SC_UNKNOWN_SAGA for a version that is not known, SC_INPUT_INVALID, SC_RUN_ID, SC_PAYLOAD_TOO_LARGE, SC_NOT_STORABLE, SC_OPTION
 */
export function prepareStart(
  { programs, ids, clock, payloadBytes }: Sender,
  { saga, version, input, id: given, labels, ...rest }: StartEntry,
  { id: called, rolledOut = false, open = false }: { readonly id?: string; readonly rolledOut?: boolean; readonly open?: boolean } = {},
): PreparedStart {
  const program = rolledOut && version !== undefined ? programs.version(saga, version) : programs.has(saga) ? programs.find(saga, version) : undefined;
  checkLabels(labels);
  checkScheduling({ ...rest, id: given });
  if (program) prepareInput(program, input, payloadBytes);
  else checkSize(encode(input, 'input'), `the input of ${saga}`, payloadBytes);
  const hash = sha256(canonical(input));
  const id = given === undefined ? (called ?? ids()) : checkRunId(given);
  const known = open ? version : (program?.version ?? version);
  const named = { ...(known === undefined ? {} : { version: known }), ...(labels === undefined ? {} : { labels }) };
  const command: Command = { type: 'start', saga, input, ...named, ...schedulingOf(rest) };
  // The same start is one entry, however often it is asked for; another input under the same id is another entry, and refused.
  const entryId = `start:${id}:${sha256(canonical({ saga, input: input ?? null }))}`;
  return { entry: { id: entryId, run: id, body: encodeCommand(command), at: clock.now() }, saga, hash, version: known };
}
