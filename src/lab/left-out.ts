import { closeSync, openSync, writeSync } from 'node:fs';
import type { MalformedRow } from '../contract/data';
import { csv } from '../text/csv';

/** Rows that are written at a time: a data set may leave out millions. */
const LOT = 1000;

/** A CSV file of the rows that a data set leaves out, or nothing where no file is asked for. */
export class LeftOutFile {
  private readonly file: number | undefined;
  private lot: (readonly [string, number | string, string])[] = [['file', 'line', 'reason']];

  /** @throws an error naming the option if the file cannot be written */
  constructor(path: string | undefined) {
    if (path === undefined) return;
    try {
      this.file = openSync(path, 'w');
    } catch (error) {
      throw new Error(`--left-out ${JSON.stringify(path)}: ${(error as Error).message}`);
    }
  }

  readonly add = ({ file, line, reason }: MalformedRow): void => {
    if (this.file === undefined) return;
    this.lot.push([file, line, reason]);
    if (this.lot.length >= LOT) this.flush();
  };

  end(): void {
    if (this.file === undefined) return;
    this.flush();
    closeSync(this.file);
  }

  private flush(): void {
    writeSync(this.file as number, csv(this.lot));
    this.lot = [];
  }
}
