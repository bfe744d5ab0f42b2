import { ce } from '../recipes/ce';
import { codi } from '../recipes/codi';
import { codiSelf } from '../recipes/codi-self';
import { cotSft } from '../recipes/cot-sft';
import { dart } from '../recipes/dart';
import { kava } from '../recipes/kava';
import { lori } from '../recipes/lori';
import { lotus } from '../recipes/lotus';
import { nocot } from '../recipes/nocot';
import { pauseFt } from '../recipes/pause-ft';
import { pccot } from '../recipes/pccot';
import type { Recipe } from '../recipes/shared/recipe';
import { simCot } from '../recipes/sim-cot';

/** By the id of a method's data (contract/methods). */
export const RECIPES: Readonly<Record<string, Recipe>> = {
  ...{ lori, codi, ce, nocot, pccot, dart, kava, lotus },
  'codi-self': codiSelf,
  'cot-sft': cotSft,
  'pause-ft': pauseFt,
  'sim-cot': simCot,
};
