import { readFileSync } from 'node:fs';

/** Engines of the field that run such models in a browser. */
const ENGINES = { 'transformers.js': '@huggingface/transformers', wllama: '@wllama/wllama' } as const;

/** A line for each of them that is not among the project's dependencies, and so is not measured here. */
export function missingEngines(): string[] {
  const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Readonly<
    Record<'dependencies' | 'devDependencies', Readonly<Record<string, string>>>
  >;
  const known = { ...dependencies, ...devDependencies };
  return Object.entries(ENGINES)
    .filter(([, name]) => known[name] === undefined)
    .map(([engine, name]) => `  ${engine}: not measured, ${name} is no dependency of this project`);
}
