import { Button } from './Button';
import { download } from './download';
import { csv } from './format';

/** Saves a table that no chart has; what is saved is made when the button is pressed. */
export const CsvButton = ({
  title,
  fileName,
  table,
}: {
  /** What the table is of. */
  readonly title: string;
  /** Without the extension. */
  readonly fileName: string;
  readonly table: () => {
    readonly columns: readonly string[];
    readonly rows: readonly (readonly (string | number | null)[])[];
  };
}) => (
  <Button
    look="quiet"
    aria-label={`${title}: save as CSV`}
    onPress={() => {
      const { columns, rows } = table();
      download(`${fileName}.csv`, csv([columns, ...rows]), 'text/csv');
    }}
  >
    CSV
  </Button>
);
