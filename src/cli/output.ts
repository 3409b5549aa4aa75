import { styleText } from 'node:util';
import { systemClock } from '../base/clock.ts';
import { SagachartError } from '../base/errors.ts';

/**
 * Exit codes, part of the contract of the command line: 0 done; 1 refused by the run or the engine; 2 bad usage, bad
 * input, bad config; 3 no such run or saga; 4 the store cannot be used; 5 no answer in time; 6 waited for, and not
 * completed.
 */
export const EXIT = { done: 0, refused: 1, usage: 2, unknown: 3, store: 4, unanswered: 5, notCompleted: 6 } as const;

const USAGE = new Set([
  'SC_CONFIG',
  'SC_INPUT_INVALID',
  'SC_SIGNAL_INVALID',
  'SC_DECISION_INVALID',
  'SC_APPROVAL_TOKEN',
  'SC_RUN_ID',
  'SC_PAYLOAD_TOO_LARGE',
  'SC_NOT_STORABLE',
  'SC_USAGE',
  'SC_REASON_MISSING',
  'SC_EVENT_RESERVED',
  'SC_OPTION',
  'SC_DUPLICATE_SAGA',
  'SC_DUPLICATE_DEPENDENCY',
  'SC_VERIFY',
  'SC_DRILL',
]);
const UNKNOWN = new Set([
  'SC_UNKNOWN_RUN',
  'SC_RUN_PURGED',
  'SC_UNKNOWN_SAGA',
  'SC_UNKNOWN_STEP',
  'SC_UNKNOWN_DEPENDENCY',
  'SC_UNKNOWN_QUEUE',
  'SC_UNKNOWN_SCHEDULE',
  'SC_SIGNAL_UNKNOWN',
  'SC_QUERY_UNKNOWN',
]);

export function exitCode(error: unknown): number {
  if (!(error instanceof SagachartError)) return EXIT.refused;
  if (error.code.startsWith('SC_STORE_')) return EXIT.store;
  if (error.code.startsWith('SC_DEFINITION_') || USAGE.has(error.code)) return EXIT.usage;
  if (UNKNOWN.has(error.code)) return EXIT.unknown;
  return error.code === 'SC_UNANSWERED' ? EXIT.unanswered : EXIT.refused;
}

/** Where a command writes: lines for people, or one JSON object on the last line. */
export interface Output {
  readonly json: boolean;
  line(text?: string): void;
  error(text: string): void;
}

export function processOutput(json: boolean): Output {
  // Whoever read has what they wanted (`| head`): that is no failure of the command.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return { json, line: (text = '') => process.stdout.write(`${text}\n`), error: (text) => process.stderr.write(`${text}\n`) };
}

/** Prints a result: the page for people, or the object. */
export function print(output: Output, object: unknown, page: () => readonly string[]): void {
  if (output.json) output.line(JSON.stringify(object));
  else for (const line of page()) output.line(line);
}

export function printError(output: Output, error: unknown): void {
  const { code, message, next, retryable } =
    error instanceof SagachartError ? error : { code: 'SC_INTERNAL', message: String(error), next: undefined, retryable: false };
  if (output.json) output.line(JSON.stringify({ error: { code, message, next: next ?? null, retryable } }));
  else {
    output.error(`${paint('red', code, process.stderr)} ${message}`);
    if (next) output.error(`  → ${next}`);
  }
}

/** Colors where a terminal looks; none in pipes. */
export function paint(color: Parameters<typeof styleText>[0], text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText(color, text, { stream });
}

const STATUS_COLORS: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
  completed: 'green',
  compensated: 'yellow',
  canceled: 'yellow',
  failed: 'red',
  terminated: 'red',
  compensating: 'magenta',
};

export function paintStatus(status: string): string {
  return paint(STATUS_COLORS[status] ?? 'cyan', status);
}

const BAR = 30;
const BETWEEN_MS = 100;

/** A line that moves on standard error, where a terminal looks; nothing elsewhere. */
export class Progress {
  readonly #shown: boolean;
  #last = 0;

  constructor({ json }: Output) {
    this.#shown = !json && process.stderr.isTTY;
  }

  /** @param part of all that is to be done, 0 to 1 */
  tell(part: number, text: string): void {
    const now = systemClock.monotonic();
    if (!this.#shown || now - this.#last < BETWEEN_MS) return;
    this.#last = now;
    const full = Math.round(Math.min(1, part) * BAR);
    process.stderr.write(`\r\u001b[2K${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${text}`);
  }

  end(): void {
    if (this.#shown) process.stderr.write('\r\u001b[2K');
  }
}

/** Columns, as wide as their widest cell; the last one is left ragged. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string => row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ');
  return [paint('bold', line(head)), ...rows.map(line)];
}

export function duration(ms: number | null): string {
  if (ms === null) return '';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}
