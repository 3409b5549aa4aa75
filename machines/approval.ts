import { produce } from 'immer';
import { assign, fromPromise, setup } from 'xstate';
import { z } from 'zod';
import { workflow } from '../src/index.ts';

interface Expense {
  readonly title: string;
  readonly cents: number;
}

interface ApprovalContext {
  readonly expense: Expense;
  readonly reminders: number;
  readonly trail: readonly string[];
  readonly receipt: string | null;
}

/** An approval, written by hand: waits for a person, reminds, and records what was decided. */
export const approvalMachine = setup({
  types: {
    input: {} as Expense,
    context: {} as ApprovalContext,
    output: {} as { readonly decision: string; readonly receipt: string | null },
    events: {} as { readonly type: 'approve'; readonly by: string } | { readonly type: 'reject'; readonly by: string; readonly because: string },
  },
  actors: {
    record: fromPromise<{ readonly receipt: string }, { readonly expense: Expense; readonly decision: string }>(async ({ input }) => ({
      receipt: `${input.decision}:${input.expense.title}`,
    })),
  },
  actions: {
    remind: assign(({ context }) => produce(context, (draft) => void draft.reminders++)),
    noteDecision: assign(({ context, event }) =>
      produce(context, (draft) => {
        if (event.type === 'approve') draft.trail.push(`approved by ${event.by}`);
        if (event.type === 'reject') draft.trail.push(`rejected by ${event.by}: ${event.because}`);
      }),
    ),
    noteReceipt: assign(({ context }, params: { readonly receipt: string }) =>
      produce(context, (draft) => {
        draft.receipt = params.receipt;
      }),
    ),
  },
  guards: { small: ({ context }) => context.expense.cents < 5_000 },
  delays: { reminder: 86_400_000 },
}).createMachine({
  id: 'approval',
  description: 'Approval of an expense by a person.',
  context: ({ input }) => ({ expense: input, reminders: 0, trail: [], receipt: null }),
  initial: 'triage',
  output: ({ context, event }) => ({ decision: String((event as { output?: unknown }).output), receipt: context.receipt }),
  states: {
    triage: { description: 'Small expenses need nobody.', always: [{ guard: 'small', target: 'recordingApproval' }, { target: 'waiting' }] },
    waiting: {
      description: 'Waits for a person, and reminds once a day.',
      after: { reminder: { target: 'waiting', reenter: true, actions: 'remind' } },
      on: { approve: { target: 'recordingApproval', actions: 'noteDecision' }, reject: { target: 'recordingRejection', actions: 'noteDecision' } },
    },
    recordingApproval: {
      description: 'Writes the approval to the books.',
      invoke: {
        id: 'recordApproval',
        src: 'record',
        input: ({ context }) => ({ expense: context.expense, decision: 'approved' }),
        onDone: { target: 'approved', actions: { type: 'noteReceipt', params: ({ event }) => event.output } },
        onError: { target: 'waiting' },
      },
    },
    recordingRejection: {
      description: 'Writes the rejection to the books.',
      invoke: {
        id: 'recordRejection',
        src: 'record',
        input: ({ context }) => ({ expense: context.expense, decision: 'rejected' }),
        onDone: { target: 'rejected', actions: { type: 'noteReceipt', params: ({ event }) => event.output } },
        onError: { target: 'waiting' },
      },
    },
    approved: { type: 'final', description: 'The expense will be paid.', output: 'approved' },
    rejected: { type: 'final', description: 'The expense will not be paid.', output: 'rejected' },
  },
});

/** The same machine, durable. */
export const approval = workflow(approvalMachine, {
  version: 1,
  input: z.object({ title: z.string().min(1), cents: z.number().int().positive() }),
  events: { approve: z.object({ by: z.string().min(1) }), reject: z.object({ by: z.string().min(1), because: z.string().min(1) }) },
  actors: { record: { timeout: '10s', grace: '1s' } },
});
