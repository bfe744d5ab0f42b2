import { ce } from '../recipes/ce';
import { codi } from '../recipes/codi';
import { dart } from '../recipes/dart';
import { lori } from '../recipes/lori';
import { lotus } from '../recipes/lotus';
import { nocot } from '../recipes/nocot';
import type { Recipe } from '../recipes/shared/recipe';

/** By the id of a method's data (contract/methods). */
export const RECIPES: Readonly<Record<string, Recipe>> = { lori, codi, dart, lotus, ce, nocot };
