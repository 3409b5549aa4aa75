import { Argument, Command as Commander, CommanderError, Option, type OptionValues } from '@commander-js/extra-typings';
import type { Command } from '../runtime/command.ts';
import { RUN_STATUSES } from '../stores/store.ts';
import * as actions from './actions.ts';
import { backup } from './backup.ts';
import { decide } from './decide.ts';
import { drill } from './drill.ts';
import { errors } from './errors.ts';
import { parseStatus, parseTime } from './filter.ts';
import { fork } from './fork.ts';
import { archive, isForAll, many } from './many.ts';
import { EXIT, exitCode, type Output, printError, processOutput } from './output.ts';
import { given, parseCount, parseJson, parseLabel, parseWhole } from './parse.ts';
import * as pauses from './pause.ts';
import * as scheduling from './scheduling.ts';
import { verifySagas } from './verify.ts';
import * as versioning from './versions.ts';
import { query, watch } from './watch.ts';

const VERSION = '0.1.0';

/** Runs the command line and returns the exit code. `argv` as in `process.argv`. */
export async function main(argv: readonly string[], out: (json: boolean) => Output = processOutput): Promise<number> {
  const json = argv.includes('--json');
  const output = out(json);
  try {
    let code: number = EXIT.done;
    const program = commands(output, (other) => {
      code = other;
    });
    const { default: tab } = await import('@bomb.sh/tab/commander');
    tab(program as never);
    await program.parseAsync([...argv]);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.done;
      if (json) output.line(JSON.stringify({ error: { code: 'SC_USAGE', message: error.message, next: 'See --help.', retryable: false } }));
      return EXIT.usage;
    }
    printError(output, error);
    return exitCode(error);
  }
}

function commands(output: Output, exit: (code: number) => void): Commander {
  const program = new Commander('sagachart')
    .description('Sagas as statecharts: start, watch and operate durable runs.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ writeOut: (text) => output.line(text.trimEnd()), writeErr: (text) => output.error(text.trimEnd()) });
  const common = (name: string, about: string) =>
    program
      .command(name)
      .description(about)
      .option('-c, --config <file>', 'config file (default: sagachart.config.ts, here or above)')
      .option('-s, --store <file>', 'SQLite file, instead of the one in the config')
      .option('--json', 'one JSON object on the last line')
      .exitOverride();
  const sending = (name: string, about: string) =>
    common(name, about)
      .option('--inbox-id <id>', 'send once: the same id is not taken twice')
      .addOption(new Option('--timeout <ms>', 'how long to wait for the executor').argParser(parseCount).default(5_000));
  const operating = (name: string, about: string) =>
    sending(name, about).option('--by <who>', 'who asks: stands in the journal').option('--reason <text>', 'why: stands in the journal');
  const filtered = <Args extends unknown[], Options extends OptionValues>(command: Commander<Args, Options>) =>
    command
      .option('--saga <name>', 'of one saga')
      .option('--saga-version <n>', 'of one version', parseCount)
      .addOption(new Option('--status <status>', 'with this status; repeatable').choices(RUN_STATUSES).argParser(parseStatus))
      .option('--attention', 'that need a person')
      .option('-l, --label <name=value>', 'with this label; repeatable, all must match', parseLabel)
      .option('--created-before <time>', 'started before: 2026-01-31, or how long ago: 30d', parseTime)
      .option('--created-after <time>', 'started after', parseTime)
      .option('--ended-before <time>', 'ended before', parseTime);
  const manifold = <Args extends unknown[], Options extends OptionValues>(command: Commander<Args, Options>) =>
    filtered(command).option('--all', 'all runs that fit, instead of one').option('--dry-run', 'only count them');
  const send = async (id: string, command: Exclude<Command, { type: 'start' | 'fork' }>, options: actions.SendOptions): Promise<void> =>
    await actions.send(output, id, command, options);
  const who = ({ by, reason }: { readonly by?: string | undefined; readonly reason?: string | undefined }) => ({
    ...(by === undefined ? {} : { by }),
    ...(reason === undefined ? {} : { reason }),
  });

  common('run', 'execute runs until stopped (Ctrl-C lets attempts end, a second one aborts them)')
    .option('--until-idle', 'stop when no run is under way')
    .action((options) => actions.run(output, options));
  common('start', 'start a run, durably')
    .argument('<saga>', 'name of a saga or workflow')
    .argument('[input]', 'its input, as JSON', parseJson)
    .option('--id <id>', 'id of the run: starting twice is starting once')
    .option('--saga-version <n>', 'a version other than the newest', parseCount)
    .option('-l, --label <name=value>', 'label to find the run by; repeatable', parseLabel)
    .option('--queue <name>', 'a queue that lets it begin')
    .option('--key <text>', 'whose it is: keys of a queue take turns')
    .addOption(new Option('--priority <n>', 'the higher goes first, of one key').argParser(parseWhole))
    .option('--delay <time>', 'not before this has passed: 5m')
    .option('--singleton <text>', 'give the run that has this text, until it has ended')
    .option('--wait', 'wait for the outcome')
    .addOption(new Option('--timeout <ms>', 'how long to wait for the executor').argParser(parseCount).default(5_000))
    .action(async (saga, input, options) => exit(await actions.start(output, saga, input, options)));
  filtered(common('list', 'list runs, newest first'))
    .option('--queue <name>', 'that wait in this queue, or have a place in it')
    .addOption(new Option('--limit <n>', 'how many').argParser(parseCount).default(50))
    .action((options) => actions.list(output, options));
  common('show', 'show a run: state, timeline of attempts, context')
    .argument('<run>')
    .action((id, options) => actions.show(output, id, options));
  common('watch', 'print each change of a run, until it has ended')
    .argument('<run>')
    .action(async (id, options) => exit(await watch(output, id, options)));
  common('query', 'ask what a run knows now, by a query that its saga declares')
    .argument('<run>')
    .argument('<name>')
    .action((id, name, options) => query(output, id, name, options));
  common('journal', 'print what happened to a run, commit by commit')
    .argument('<run>')
    .addOption(new Option('--from <seq>', 'first commit').argParser(parseCount).default(1))
    .addOption(new Option('--limit <n>', 'how many').argParser(parseCount).default(1_000))
    .action((id, options) => actions.journal(output, id, options));
  filtered(common('errors', 'list errors of attempts that nobody has said the meaning of'))
    .addOption(new Option('--limit <n>', 'how many kinds of them').argParser(parseCount).default(1_000))
    .action((options) => errors(output, options));
  sending('signal', 'send a signal to a run')
    .argument('<run>')
    .argument('<name>')
    .argument('[payload]', 'as JSON', parseJson)
    .action((id, name, payload, options) => send(id, { type: 'signal', name, payload }, options));
  const oneOrAll = (name: 'cancel' | 'terminate', about: string) =>
    manifold(operating(name, about).argument('[run]')).action(async (id, options) => {
      if (isForAll(id, options)) exit(await many(output, name, options));
      else await send(id ?? '', { type: name, ...who(options) }, options);
    });
  oneOrAll('cancel', 'stop a run and undo what it did');
  oneOrAll('terminate', 'end a run at once and undo nothing');
  manifold(operating('retry', 'try a stuck step again').argument('[run]').argument('[step]', 'default: the one that is stuck')).action(
    async (id, step, options) => {
      if (isForAll(id, options)) exit(await many(output, 'retry', options));
      else await send(id ?? '', { type: 'retry', ...(step === undefined ? {} : { step }), ...who(options) }, options);
    },
  );
  operating('skip', 'give a stuck step up (needs --reason)')
    .argument('<run>')
    .argument('<step>')
    .action((id, step, options) =>
      send(id, { type: 'skip', step, reason: options.reason ?? '', ...(options.by === undefined ? {} : { by: options.by }) }, options),
    );
  operating('resolve', 'say that a person has done what a stuck step should have')
    .argument('<run>')
    .argument('<step>')
    .argument('[result]', 'its result, as JSON', parseJson)
    .action((id, step, result, options) => send(id, { type: 'resolve', step, result, ...who(options) }, options));
  const deciding = (name: 'approve' | 'deny', about: string) =>
    operating(name, about).argument('<run>', 'or the token that was handed out').argument('[step]', 'with a run: which of its approvals');
  deciding('approve', 'say yes to what a step asks for')
    .option('--payload <json>', 'what is said with it, as JSON: the result of the step', parseJson)
    .action((run, step, options) =>
      decide(output, run, step, { approved: true, ...(options.payload === undefined ? {} : { payload: options.payload }), ...who(options) }, options),
    );
  deciding('deny', 'say no to what a step asks for').action((run, step, options) => decide(output, run, step, { approved: false, ...who(options) }, options));
  operating('rewind', 'take a run back to a step: undo it and what came after, and go on from there (needs --reason)')
    .argument('<run>')
    .requiredOption('--to <step>', 'the step that it goes back to')
    .action((id, options) => send(id, { type: 'rewind', to: options.to, ...who(options) }, options));
  operating('fork', 'begin a new run as what another one was at some point (needs --reason)')
    .argument('<run>')
    .option('--at <seq>', 'commit of the other run', parseCount)
    .option('--before <step>', 'or the one with which it last came to this step')
    .option('--id <id>', 'id of the new run: forking twice with it is forking once')
    .option('-l, --label <name=value>', 'instead of those of the other run; repeatable', parseLabel)
    .action((of, { at, before, id, label: labels, ...options }) => fork(output, of, { ...given({ at, before, id, labels }), ...who(options) }, options));
  sending('restart', 'begin the next life of a run that has ended: everything is done once more, with new keys')
    .argument('<run>')
    .argument('[input]', 'as JSON; default: that of its last life', parseJson)
    .option('--saga-version <n>', 'default: that of its last life; with an input the newest', parseCount)
    .option('-l, --label <name=value>', 'instead of those of its last life; repeatable', parseLabel)
    .action((id, input, { sagaVersion: version, label: labels, ...options }) =>
      send(
        id,
        {
          type: 'restart',
          ...(input === undefined ? {} : { input }),
          ...(version === undefined ? {} : { version }),
          ...(labels === undefined ? {} : { labels }),
        },
        options,
      ),
    );
  manifold(sending('purge', 'take runs that have ended out of the store').argument('[run]')).action(async (id, options) => {
    if (isForAll(id, options)) exit(await many(output, 'purge', options));
    else await send(id ?? '', { type: 'purge' }, options);
  });
  filtered(common('archive', 'write runs that have ended to a file, one a line').argument('<file>'))
    .option('--purge', 'then take them out of the store')
    .option('--dry-run', 'only count them')
    .addOption(new Option('--timeout <ms>', 'how long to wait for the executor').argParser(parseCount).default(5_000))
    .action(async (file, options) => exit(await archive(output, file, options)));
  common('backup', 'write a copy of the store to a new file, while it is used')
    .argument('<file>')
    .action((file, options) => backup(output, file, options));
  const pausable = (name: string, about: string) =>
    common(name, about)
      .option('--dependency <name>', 'attempts of the steps that name it')
      .option('--saga <name>', 'attempts of a saga or workflow')
      .option('--everything', 'all attempts');
  pausable('pause', 'let no attempt begin until it is resumed; what runs may end')
    .option('--by <who>', 'who asks')
    .option('--reason <text>', 'why')
    .action((options) => pauses.pause(output, options));
  pausable('resume', 'let attempts begin that were paused').action((options) => pauses.resume(output, options));
  common('paused', 'list what is paused').action((options) => pauses.paused(output, options));
  common('versions', 'list the versions of sagas, and how many runs each has')
    .argument('[saga]')
    .action((saga, options) => versioning.versions(output, saga, options));
  common('migrate', 'bring runs onto another version of their saga; if one cannot be, none is')
    .argument('<saga>')
    .option('--from <n>', 'the version that they come from (default: any)', parseCount)
    .option('--to <n>', 'the version that they go on with (default: the newest)', parseCount)
    .option('--dry-run', 'only say what would become of them')
    .option('--skip', 'leave those that cannot be on their version')
    .option('--attention', 'that need a person')
    .option('-l, --label <name=value>', 'with this label; repeatable, all must match', parseLabel)
    .option('--created-before <time>', 'started before: 2026-01-31, or how long ago: 30d', parseTime)
    .option('--created-after <time>', 'started after', parseTime)
    .option('--by <who>', 'who asks: stands in the journal')
    .option('--reason <text>', 'why: stands in the journal')
    .addOption(new Option('--timeout <ms>', 'how long to wait for the executor').argParser(parseCount).default(5_000))
    .action(async (saga, options) => exit(await versioning.migrate(output, saga, options)));
  common('rollout', 'show or set which part of new runs begins on a version')
    .argument('[saga]')
    .option('--saga-version <n>', 'the version that is rolled out', parseCount)
    .option('--share <part>', 'which part of new runs begins on it: 10%, 0.1', versioning.parseShare)
    .option('--rest <n>', 'the version of all the others', parseCount)
    .option('--rollback-above <part>', 'take it back if more of its runs have failed', versioning.parseShare)
    .option('--rollback-after <n>', 'how many must have ended before that is judged', parseCount)
    .option('--clear', 'new runs begin on the newest version again')
    .option('--by <who>', 'who asks')
    .option('--reason <text>', 'why')
    .action((saga, options) => versioning.rollout(output, saga, options));
  common('queues', 'list the queues, and how many runs wait in each').action((options) => scheduling.queues(output, options));
  common('schedules', 'list what is started again and again').action((options) => scheduling.schedules(output, options));
  common('schedule', 'pause a schedule, resume it, or trigger a run of it now')
    .addArgument(new Argument('<action>').choices(['pause', 'resume', 'trigger'] as const))
    .argument('<name>', 'of the schedule')
    .option('--by <who>', 'who asks')
    .option('--reason <text>', 'why')
    .addOption(new Option('--timeout <ms>', 'how long to wait for the executor').argParser(parseCount).default(5_000))
    .action((action, name, options) => scheduling.schedule(output, action, name, options));
  common('graph', 'print the chart of a saga')
    .argument('<saga>')
    .addOption(
      new Option('-f, --format <format>', 'mermaid (the whole chart), folded (one state a step), stately (TypeScript)')
        .choices(['mermaid', 'folded', 'stately'] as const)
        .default('mermaid' as const),
    )
    .option('--saga-version <n>', 'a version other than the newest', parseCount)
    .action((saga, options) => actions.graph(output, saga, options));
  common('verify', 'go through everything that can happen to runs of a saga')
    .argument('[sagas...]', 'which')
    .option('--all', 'all that the config lists')
    .option('--attempts <n>', 'of a step, that policies are cut to', parseCount)
    .option('--states <n>', 'to look at, for each input', parseCount)
    .option('--faults <n>', 'in one run', parseCount)
    .action(async (sagas, options) => exit(await verifySagas(output, sagas, options)));
  common('drill', 'a game day: real processes that die, simulated services that fail')
    .addOption(new Option('--seconds <n>', 'how long').argParser(parseCount).default(30))
    .addOption(new Option('--rate <n>', 'runs started a second').argParser(parseCount).default(5))
    .addOption(new Option('--kill-every <n>', 'seconds between kills, about; 0 for none').argParser(parseCount).default(5))
    .addOption(new Option('--busy <percent>', 'of calls find the service busy').argParser(parseCount).default(10))
    .addOption(new Option('--lost <percent>', 'of answers are lost').argParser(parseCount).default(5))
    .addOption(new Option('--stalls <percent>', 'of calls take 2 s longer').argParser(parseCount).default(2))
    .option('--seed <n>', 'of what goes wrong', parseCount)
    .option('--report <file>', 'where the report is written', 'drill.md')
    .action(async (options) => exit(await drill(output, options)));
  return program as unknown as Commander;
}
