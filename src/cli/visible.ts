import type { Entry } from '../kernel/entry.ts';
import type { RunEvent, SentEvent } from '../kernel/event.ts';
import type { StateData } from '../kernel/state.ts';
import { mask, sensitiveTexts } from '../observe/mask.ts';
import { hide, isPlain, REDACTED, redact } from '../observe/redact.ts';
import type { Program } from '../runtime/program.ts';

type Path = readonly (string | number)[];
type Change = Entry['change'][number];

/** What of a state holds nothing that came from outside. */
const OURS = ['status', 'value', 'order', 'history', 'rounds'];
/** Of what a person sent, who and why. */
const NOTES = ['type', 'by', 'reason'];

/**
 * What may be shown of a run: without what the schemas of its program mark as sensitive, wherever that was repeated.
 * Where the code it was started on is not at hand nothing says what is sensitive, so all that came from outside is hidden.
 */
export class Visible {
  readonly #program: Program | undefined;
  readonly #texts: readonly string[];

  /** @param input what the run was started with */
  constructor(program: Program | undefined, { input, data }: { readonly input: unknown; readonly data: Pick<StateData, 'context'> }) {
    this.#program = program;
    const texts = new Set(sensitiveTexts(input, program?.schemas.input));
    if (program) {
      eachPart(data.context, [], program.schemas.context, (part, schema) => {
        for (const text of sensitiveTexts(part, schema)) texts.add(text);
      });
    }
    this.#texts = [...texts];
  }

  get kind(): Program['kind'] {
    return this.#program?.kind ?? 'saga';
  }

  context(context: unknown): unknown {
    return this.#state(['context'], context);
  }

  /** Its status, and who or what made it so, are shown of any run. */
  outcome<O extends { readonly status: string }>(outcome: O | undefined): O | null {
    if (!outcome) return null;
    const hidden = !this.#program && 'output' in outcome ? { ...outcome, output: REDACTED } : outcome;
    return this.text(hidden) as O;
  }

  /** What attempts say of how far they have come, by step. */
  progress(progress: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    if (this.#program) return this.text(progress) as typeof progress;
    return Object.fromEntries(Object.keys(progress).map((step) => [step, REDACTED]));
  }

  event(event: RunEvent): unknown {
    return this.text(this.#event(event));
  }

  change([kind, path, value]: Change): { readonly kind: Change[0]; readonly path: Path; readonly value: unknown } {
    return { kind, path, value: (kind === '=' ? this.#state(path, value) : value) ?? null };
  }

  /** What was not hidden by its place, without the texts that must not be seen: cut only now, because half a text is not found. */
  text(value: unknown): unknown {
    return shortened(mask(value, this.#texts));
  }

  #state(path: Path, value: unknown): unknown {
    const [field, ...rest] = path;
    const program = this.#program;
    if (!program) return OURS.includes(String(field)) || value === null ? value : REDACTED;
    if (field === 'input') return this.text(hide(value, program.schemas.input));
    return this.text(field === 'context' ? eachPart(value, rest, program.schemas.context, hide) : value);
  }

  #event(event: RunEvent): unknown {
    if (event.type === 'faulted') return { ...event, event: this.#event(event.event) };
    if (event.type === 'sent') return { ...event, event: this.#sent(event.event) };
    const schemas = this.#program?.schemas;
    if ('input' in event) return { ...event, input: schemas ? hide(event.input, schemas.input) : REDACTED };
    if (event.type === 'succeeded')
      return { ...event, output: schemas ? eachPart(event.output, [], (path) => schemas.answer(event.child, path), hide) : REDACTED };
    if (event.type === 'itemSucceeded')
      return { ...event, output: schemas ? eachPart(event.output, [event.item], (path) => schemas.answer(event.child, path), hide) : REDACTED };
    return event;
  }

  #sent(event: SentEvent): unknown {
    const schemas = this.#program?.schemas;
    if (schemas) return eachPart(event, [], (path) => schemas.event(event.type, path), hide);
    return Object.fromEntries(Object.entries(event).map(([key, value]) => [key, NOTES.includes(key) ? value : REDACTED]));
  }
}

/** A copy in which each part that has a schema is what `look` makes of it. */
function eachPart(value: unknown, path: Path, schemaAt: (path: Path) => unknown, look: (part: unknown, schema: unknown) => unknown): unknown {
  const schema = schemaAt(path);
  if (schema) return look(value, schema);
  if (Array.isArray(value)) return value.map((item, i) => eachPart(item, [...path, i], schemaAt, look));
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, eachPart(item, [...path, key], schemaAt, look)]));
}

/** Redaction cuts what is long as a whole: here its parts are redacted one by one, so that it keeps its shape, and only a long text is cut. */
function shortened(value: unknown): unknown {
  const copy = redact(value);
  if (typeof value !== 'object' || value === null || typeof copy !== 'string') return copy;
  if (Array.isArray(value)) return value.map(shortened);
  const hidden = (key: string): unknown => (redact({ [key]: null }) as Record<string, unknown>)[key];
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hidden(key) ?? shortened(item)]));
}
