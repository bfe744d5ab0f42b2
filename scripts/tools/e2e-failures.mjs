import { stripVTControlCharacters } from 'node:util';

/** A reporter that ends with the first lines of each failure: a log that is cut keeps its end. */
export default class {
  failures = [];

  onTestEnd(test, { status, errors, retry }) {
    if (status === 'passed' || status === 'skipped') return;
    const lines = errors.flatMap(({ message = '', location }) => [
      ...stripVTControlCharacters(message)
        .split('\n')
        .filter((line) => line.trim() !== '')
        .slice(0, 10),
      ...(location ? [`at ${location.file}:${location.line}`] : []),
    ]);
    this.failures.push(
      [`${status} (try ${retry + 1}): ${test.title}`, ...lines.map((line) => `  ${line}`)].join('\n'),
    );
  }

  onEnd() {
    if (this.failures.length > 0) console.log(`\n${this.failures.join('\n')}`);
  }

  printsToStdio() {
    return false;
  }
}
