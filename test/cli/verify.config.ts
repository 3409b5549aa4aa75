import { z } from 'zod';
import { defineConfig, saga, type } from '../../src/index.ts';
import type { WorldModel } from '../../src/testing/index.ts';

interface Shelf {
  readonly shelf: { take(key: string): Promise<void>; putBack(key: string): Promise<void> };
}

const shelf: WorldModel<Record<string, number>> = {
  make: () => ({}),
  services: (taken): Shelf => ({
    shelf: {
      take: async (key) => {
        taken[key] = 1;
      },
      putBack: async (key) => {
        delete taken[key];
      },
    },
  }),
};

const begin = <const Name extends string>(name: Name) =>
  saga(name, { version: 1, services: type<Shelf>(), input: z.object({}) }).step('take', ({ key, services }) => services.shelf.take(key), {
    compensate: ({ runKey, services }) => (name === 'forgetful' ? undefined : services.shelf.putBack(runKey)),
  });

export default defineConfig({
  store: 'never-opened.db',
  sagas: [begin('tidy'), begin('forgetful'), begin('plain')],
  verify: { tidy: { world: shelf, inputs: [{}] }, forgetful: { world: shelf, inputs: [{}] } },
});
