import { ablationsOf } from '../contract/ablations';
import { settingsOf } from '../contract/config';
import type { Methods } from '../contract/methods/method';
import { presetsOf } from '../contract/presets';
import { rangeText, type Setting } from '../contract/settings';
import { COMMANDS, type CommandName } from './commands';
import { hasOption, optionTexts } from './options';

/** What `npm run lab -- --help` and `npm run lab -- <command> --help` print. */

const ABOUT: Readonly<Record<CommandName, string>> = {
  lens: 'Decomposes hidden states: spectra and ranks of a teacher, base, student or opened checkpoint.',
  causal: 'Measures accuracy while hidden states are projected onto r directions.',
  distil: 'Trains one student; prints every loss, accuracy and spectrum.',
  eval: 'Trains presets over seeds and compares their held-out accuracy; or answers problems one by one with any subject.',
  step: 'Trains a student, then answers one question thought by thought, and again with interventions on its thoughts.',
  search:
    'Draws the same number of settings for each method, and compares them on validation problems over seeds.',
  arena:
    'Runs an arena of the page, or an ablation of a paper: every method on every seed, compared with a baseline.',
  thoughts:
    'Trains a student, then answers problems with its thoughts as they are, fewer, more and replaced: do they matter?',
  stopping:
    'Answers problems as if a student with a stop head had stopped after every number of thoughts: is it right to stop when it does?',
  generate:
    'Continues a prompt with a teacher, base, student or opened checkpoint: sampling, seeds, tokens per second.',
  states:
    'Writes hidden states to a file: .npy, float32 [layers, tokens, H], or .safetensors, a tensor for each layer with metadata.',
  export:
    'Writes a model or a student to a file: a PEFT adapter, a merged model (safetensors), an ONNX graph, a run bundle or a PyTorch program.',
  bench: 'Times a training step.',
};

export const USAGE = `usage: npm run lab -- <${Object.keys(COMMANDS).join('|')}> [options]; --help lists commands and options`;

/** @param command for the help on one command; without it, the help on everything */
export function help(methods: Methods, command?: CommandName): string {
  const head =
    command === undefined
      ? [USAGE, '', 'Commands', ...table(Object.entries(ABOUT))]
      : [`usage: npm run lab -- ${command} [options]`, '', ABOUT[command]];
  return [
    ...head,
    '',
    'Options',
    ...optionLines(command),
    '',
    'Presets (--preset; the first is the default)',
    ...table(presetsOf(methods).map(({ id, name, about }) => [id, `${name}. ${about}`])),
    '',
    ...(command === undefined || command === 'arena'
      ? [
          'Ablations (arena --ablation)',
          ...table(
            ablationsOf(methods).map(({ id, name, points }) => [
              id,
              `${name}: ${points.map((point) => point.name).join(', ')}`,
            ]),
          ),
          '',
        ]
      : []),
    'Methods (--set method=…)',
    ...methods.flatMap(({ id, label, about, source, terms }) => [
      ...table([[id, `${label}. ${about} Source: ${source}.`]]),
      ...terms.map(({ name, about: what, weight }) => `    loss ${name}: ${what} Scaled by ${weight}.`),
    ]),
    '',
    'Settings (--set path=value): range, default in brackets; * marks a default that is a choice of this project',
    ...settingLines(methods),
    '',
  ].join('\n');
}

const WIDTH = 26;

const table = (rows: readonly (readonly [string, string])[]): string[] =>
  rows.map(([left, right]) =>
    left.length < WIDTH ? `  ${left.padEnd(WIDTH)}${right}` : `  ${left}\n  ${' '.repeat(WIDTH)}${right}`,
  );

function optionLines(command: CommandName | undefined): string[] {
  const rows = Object.entries(optionTexts)
    .filter(([name]) => command === undefined || hasOption(command, name))
    .map(([name, { value, about, commands, default: usual }]): [string, string] => [
      value === undefined ? `--${name}` : `--${name} ${value}`,
      `${command === undefined && commands ? `${commands.join(', ')}: ` : ''}${about}${typeof usual === 'string' ? ` [${usual}]` : ''}`,
    ]);
  return table(rows);
}

/** The settings shared by all methods, then those of each method. */
function settingLines(methods: Methods): string[] {
  const all = methods.map((method) => settingsOf(method).flatMap(({ settings }) => settings));
  const shared = (setting: Setting): boolean =>
    all.every((settings) => settings.some((other) => line(other) === line(setting)));
  return [
    '  every method',
    ...(all[0] ?? []).filter(shared).map(line),
    ...methods.flatMap(({ label }, i) => {
      const own = all[i]?.filter((setting) => !shared(setting)) ?? [];
      return own.length === 0 ? [] : [`  ${label}`, ...own.map(line)];
    }),
  ];
}

function line(setting: Setting): string {
  const { path, default: usual, unit, help: about, source, ours } = setting;
  const value = Array.isArray(usual) ? JSON.stringify(usual) : String(usual);
  const range = `${rangeText(setting)}${unit ? ` ${unit}` : ''} [${value}]${ours ? ' *' : ''}`;
  const from = ours ? '' : ` Default from: ${source}.`;
  return `    ${path}: ${range}. ${about}${from}`;
}
