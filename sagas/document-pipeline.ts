import { z } from 'zod';
import { HardError, saga, type } from '../src/index.ts';
import type { DocumentServices } from './services/documents.ts';

/** A document: validation, enrichment, persistence; it is published last. */
export const documentPipeline = saga('document-pipeline', {
  version: 1,
  services: type<DocumentServices>(),
  input: z.object({ text: z.string() }),
  why: 'only documents that are complete can be found',
})
  .read('validation', async ({ input, services }) => {
    const { words } = await services.validator.validate(input.text);
    if (words < 2) throw new HardError('a document needs two words at least');
    return { words };
  })
  .step('enrichment', ({ input, key, signal, services }) => services.enricher.tag(input.text, { key, signal }), {
    compensate: ({ outcome, runKey, undoKey, services }) => services.enricher.forget(outcome.result?.ref ?? { reservedUnder: runKey }, { key: undoKey }),
    retry: { from: '50ms', to: '1s' },
    dependency: 'enricher',
  })
  .step(
    'persistence',
    ({ input, results, key, signal, services }) => services.archive.save({ text: input.text, tags: results.enrichment.tags }, { key, signal }),
    {
      compensate: ({ outcome, runKey, undoKey, services }) => services.archive.remove(outcome.result?.ref ?? { reservedUnder: runKey }, { key: undoKey }),
      retry: { from: '50ms', to: '1s' },
      dependency: 'archive',
    },
  )
  .step('publish', ({ results, key, signal, services }) => services.index.publish(results.persistence.ref, { key, signal }), {
    compensate: ({ outcome, runKey, undoKey, services }) => services.index.withdraw(outcome.result?.ref ?? { reservedUnder: runKey }, { key: undoKey }),
    retry: { from: '50ms', to: '1s' },
    dependency: 'index',
  })
  .output(({ input, results }) => ({ document: results.persistence.ref, words: results.validation.words, characters: input.text.length }));
