import { adaptive } from './adaptive';
import { ce } from './ce';
import { coconut } from './coconut';
import { codi } from './codi';
import { codiSelf, PUBLISHED_RATES } from './codi-self';
import { cotSft } from './cot-sft';
import { dart } from './dart';
import { grpo } from './grpo';
import { icot } from './icot';
import { kava } from './kava';
import { lori } from './lori';
import { lotus } from './lotus';
import type { LossTerm, MethodData, Methods } from './method';
import { nocot } from './nocot';
import { pauseFt } from './pause-ft';
import { pccot } from './pccot';
import { simCot } from './sim-cot';

export { PUBLISHED_RATES };

/** Every method, in the order of menus; the first is the default. */
export const METHODS = [
  ...[lori, codi, codiSelf, pccot, simCot, kava, dart, coconut, icot, adaptive, lotus, grpo],
  ...[ce, pauseFt, nocot, cotSft],
] as const;

/** @throws Error for an id that is not in the list: configurations are checked before they get here */
export function methodOf(id: string, methods: Methods = METHODS): MethodData {
  const found = methods.find((method) => method.id === id);
  if (!found) throw new Error(`there is no method ${JSON.stringify(id)}`);
  return found;
}

/** The sum of the terms, which every method has. */
export const TOTAL: Omit<LossTerm, 'weight' | 'sits'> = {
  name: 'total',
  label: 'total',
  tex: '\\mathcal{L}',
  unit: 'sum of the weighted terms',
  about: 'The sum of the terms, each with its weight.',
  source: 'the training loop',
};
