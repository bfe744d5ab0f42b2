import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { root } from './folders.mjs';

const firstLines = (message) => stripVTControlCharacters(message).split('\n').slice(0, 6).join('\n  ');

/** A reporter of vitest that adds each failure’s first lines to the file LORI_FAILURES, where it is set. */
export default class {
  add(where, errors) {
    const file = process.env.LORI_FAILURES;
    if (file)
      appendFileSync(file, `${where}\n  ${errors.map(({ message }) => firstLines(message)).join('\n  ')}\n`);
  }

  onTestCaseResult(test) {
    const { state, errors = [] } = test.result();
    if (state === 'failed') this.add(`${relative(root, test.module.moduleId)} > ${test.fullName}`, errors);
  }

  onTestModuleEnd(module) {
    const errors = module.errors();
    if (errors.length > 0) this.add(relative(root, module.moduleId), errors);
  }
}
