import { duration, paint, paintStatus } from '../src/cli/output.ts';
import type { RuntimeEvent } from '../src/runtime/event.ts';

/** Lines of what happens to runs; on a terminal, a bar for a batch that is drawn in place. */
export class Progress {
  readonly #mode: 'none' | 'live' | 'batch';
  readonly #total: number;
  readonly #tty = process.stdout.isTTY === true;
  #states = new Map<string, string>();
  #done = -1;
  #drawn = false;

  constructor(mode: 'none' | 'live' | 'batch', total = 0) {
    this.#mode = mode;
    this.#total = total;
  }

  tell(event: RuntimeEvent): void {
    if (this.#mode !== 'live' || !('run' in event)) return;
    const line = lineOf(event);
    if (line) this.#write(`${event.run.id.padEnd(21)} ${line}`);
    if (event.type !== 'run.changed') return;
    const states = event.states.filter((state) => !state.endsWith('ended')).join('  ');
    if (this.#states.get(event.run.id) !== states) this.#write(`${event.run.id.padEnd(21)} ${paint('dim', states)}`);
    this.#states.set(event.run.id, states);
  }

  count(done: number): void {
    if (this.#mode !== 'batch' || done === this.#done) return;
    this.#done = done;
    const width = 40;
    const filled = Math.round((done / this.#total) * width);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${done}/${this.#total} runs ended`;
    if (!this.#tty) {
      console.log(bar);
      return;
    }
    process.stdout.write(`\r\u001b[K${bar}`);
    this.#drawn = true;
  }

  note(text: string): void {
    if (this.#mode !== 'none') this.#write(paint('yellow', text));
  }

  end(): void {
    if (this.#drawn) process.stdout.write('\n');
    this.#drawn = false;
  }

  #write(line: string): void {
    this.end();
    console.log(line);
  }
}

function lineOf(event: RuntimeEvent): string | undefined {
  switch (event.type) {
    case 'attempt.failed':
      return `${paint('red', '✗')} ${nameOf(event)} failed after ${duration(event.ms)}: ${event.failure.message} ${paint('dim', `(${event.failure.class}, effect ${event.failure.effect})`)}`;
    case 'attempt.succeeded':
      return `${paint('green', '✓')} ${nameOf(event)} ${duration(event.ms)}`;
    case 'attempt.lost':
      return `${paint('red', '✗')} ${nameOf(event)} was lost with its process`;
    case 'retry.scheduled':
      return `↻ ${event.kind === 'undo' ? 'undo ' : ''}${event.step} again in ${duration(event.delayMs)}`;
    case 'run.attention':
      return paint('red', `! needs a person: ${event.needs.join(', ')}`);
    case 'run.ended':
      return `■ ${paintStatus(event.status)}`;
    default:
      return undefined;
  }
}

function nameOf({ step, kind, attempt }: { readonly step: string; readonly kind: string; readonly attempt: number }): string {
  return `${kind === 'run' ? '' : `${kind} `}${step}${attempt > 1 ? `, attempt ${attempt}` : ''}`;
}
