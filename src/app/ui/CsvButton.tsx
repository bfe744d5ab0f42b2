import { type ReactNode, useState } from 'react';
import { type CsvRows, formulaIn } from '../../text/csv';
import { Button } from './Button';
import { download } from './download';
import { csv, visibleToken } from './format';

/**
 * Saves rows, the first of which names the columns, with their texts as they are. Where a spreadsheet would compute one of them, it
 * says so and offers a file that none computes: only the reader knows which program is to read it.
 */
export function CsvButton({
  title,
  fileName,
  rows,
  look = 'quiet',
  onProblem,
  children = 'CSV',
}: {
  /** What is saved, where the button's text does not say it. */
  readonly title?: string;
  /** Without the extension. */
  readonly fileName: string;
  /** Made when the button is pressed. */
  readonly rows: () => CsvRows;
  readonly look?: 'quiet' | 'plain';
  /** Receives why there is no file, or '' once there is one. */
  readonly onProblem?: (problem: string) => void;
  readonly children?: ReactNode;
}) {
  /** A text of the saved file that a spreadsheet would compute. */
  const [formula, setFormula] = useState<string | null>(null);
  const save = (guarded: boolean) => {
    try {
      const all = rows();
      download(`${fileName}${guarded ? '-for-spreadsheets' : ''}.csv`, csv(all, guarded), 'text/csv');
      setFormula(guarded ? null : formulaIn(all));
      onProblem?.('');
    } catch (error) {
      if (!onProblem) throw error;
      onProblem(`The file could not be made: ${(error as Error).message}`);
    }
  };
  return (
    <>
      <Button
        look={look}
        {...(title !== undefined && { 'aria-label': `${title}: save as CSV` })}
        onPress={() => save(false)}
      >
        {children}
      </Button>
      {formula !== null && (
        <span role="status" className="help">
          Saved as it is; a spreadsheet would compute texts such as “{visibleToken(formula)}”.{' '}
          <Button look="quiet" onPress={() => save(true)}>
            Save for spreadsheets
          </Button>
        </span>
      )}
    </>
  );
}
