import type { AlertSink } from '../../runtime/alert.ts';

/** Alerts as lines of the engine's log: `error` for what needs a person, `warn` for a run that failed. Its name is `log`. */
export function logSink(): AlertSink {
  return {
    name: 'log',
    send: ({ kind, run, status, step, failure, left, remedy }, { key, log }) => {
      const { id, saga, version, labels } = run;
      const fields = { key, kind, run: id, saga, version, labels, status, step, ...(remedy ? { remedy } : {}) };
      const why = failure ? { code: failure.code, error: failure.message } : {};
      log[kind === 'failure' ? 'warn' : 'error'](MESSAGES[kind] ?? `alert: ${kind}`, { ...fields, ...why, left, correlation: id });
    },
  };
}

const MESSAGES: Readonly<Record<string, string>> = {
  attention: 'alert: a run needs a person',
  failure: 'alert: a run has failed',
  remedy: 'alert: a remedy could not be started',
};
