import type { Recipe } from '../recipes/shared/recipe';

const FOLDER = '../recipes/';
const files = import.meta.glob<Readonly<Record<string, unknown>>>(
  ['../recipes/*.ts', '!../recipes/*.test.ts', '!../recipes/*.testing.ts'],
  { eager: true },
);

/**
 * By the id of a method's data (contract/methods), which is the name of the recipe's file; `sim-cot.ts` exports `simCot`. So
 * that a method is listed in one place, the index of its data.
 */
export const RECIPES: Readonly<Record<string, Recipe>> = Object.fromEntries(
  Object.entries(files).map(([path, exported]) => {
    const id = path.slice(FOLDER.length, -'.ts'.length);
    const name = id.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    if (!exported[name]) throw new Error(`src/engine/recipes/${id}.ts does not export its recipe as ${name}`);
    return [id, exported[name] as Recipe];
  }),
);
