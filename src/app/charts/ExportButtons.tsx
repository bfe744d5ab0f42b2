import type { CsvRows } from '../../text/csv';
import { Button } from '../ui/Button';
import { CsvButton } from '../ui/CsvButton';
import { download } from '../ui/download';

const TYPES = { svg: 'image/svg+xml', png: 'image/png' } as const;
export type ImageFormat = keyof typeof TYPES;

/** A button for each format; a file is made when its button is pressed. */
export function ExportButtons({
  title,
  fileName,
  rows,
  imageOf,
  onProblem,
}: {
  /** What is saved. */
  readonly title: string;
  /** Without the extension. */
  readonly fileName: string;
  /** The values; the first row names the columns. */
  readonly rows: () => CsvRows;
  /** `null` while there is nothing to save yet. */
  readonly imageOf: (format: ImageFormat) => Promise<BlobPart | null>;
  /** Receives why there is no file, or '' once there is one. */
  readonly onProblem: (problem: string) => void;
}) {
  const save = async (format: ImageFormat) => {
    try {
      const content = await imageOf(format);
      if (content !== null) download(`${fileName}.${format}`, content, TYPES[format]);
      onProblem('');
    } catch (error) {
      onProblem(`The file could not be made: ${(error as Error).message}`);
    }
  };
  return (
    <div className="chart-exports">
      <CsvButton {...{ title, fileName, rows, onProblem }} />
      {(Object.keys(TYPES) as ImageFormat[]).map((format) => (
        <Button
          key={format}
          look="quiet"
          aria-label={`${title}: save as ${format.toUpperCase()}`}
          onPress={() => void save(format)}
        >
          {format.toUpperCase()}
        </Button>
      ))}
    </div>
  );
}
