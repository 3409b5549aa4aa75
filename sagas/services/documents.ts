import type { Reference, Simulator } from './simulator.ts';
import type { Booking } from './travel.ts';

interface Asked {
  readonly key: string;
  readonly signal?: AbortSignal;
}

/** What a document pipeline calls. */
export interface DocumentServices {
  readonly validator: { validate(text: string): Promise<{ readonly words: number }> };
  readonly enricher: {
    tag(text: string, asked: Asked): Promise<Booking & { readonly tags: readonly string[] }>;
    forget(what: Reference, asked: Asked): Promise<void>;
  };
  readonly archive: {
    save(document: { readonly text: string; readonly tags: readonly string[] }, asked: Asked): Promise<Booking>;
    remove(what: Reference, asked: Asked): Promise<void>;
  };
  readonly index: { publish(document: string, asked: Asked): Promise<Booking>; withdraw(what: Reference, asked: Asked): Promise<void> };
}

export function documentServices(simulator: (name: string) => Simulator): DocumentServices {
  const [enricher, archive, index] = ['enricher', 'archive', 'index'].map(simulator) as [Simulator, Simulator, Simulator];
  return {
    validator: { validate: async (text) => ({ words: text.split(/\s+/).length }) },
    enricher: {
      tag: (text, asked) => enricher.act('tag', asked, (ref) => ({ ref, tags: [...new Set(text.toLowerCase().match(/\w{6,}/g) ?? [])].slice(0, 3) })),
      forget: (what, asked) => enricher.undo('forget', what, asked),
    },
    archive: { save: (_document, asked) => archive.act('save', asked, (ref) => ({ ref })), remove: (what, asked) => archive.undo('remove', what, asked) },
    index: { publish: (_document, asked) => index.act('publish', asked, (ref) => ({ ref })), withdraw: (what, asked) => index.undo('withdraw', what, asked) },
  };
}
