import { Button } from '../ui/Button';
import { download } from '../ui/download';

const TYPES = { csv: 'text/csv', svg: 'image/svg+xml', png: 'image/png' } as const;
export type ExportFormat = keyof typeof TYPES;

/** A button for each format; a file is made when its button is pressed. */
export function ExportButtons({
  title,
  fileName,
  contentOf,
  onProblem,
}: {
  /** What is saved. */
  readonly title: string;
  /** Without the extension. */
  readonly fileName: string;
  /** `null` while there is nothing to save yet. */
  readonly contentOf: (format: ExportFormat) => Promise<BlobPart | null>;
  /** Receives why there is no file, or '' once there is one. */
  readonly onProblem: (problem: string) => void;
}) {
  const save = async (format: ExportFormat) => {
    try {
      const content = await contentOf(format);
      if (content !== null) download(`${fileName}.${format}`, content, TYPES[format]);
      onProblem('');
    } catch (error) {
      onProblem(`The file could not be made: ${(error as Error).message}`);
    }
  };
  return (
    <div className="chart-exports">
      {(Object.keys(TYPES) as ExportFormat[]).map((format) => (
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
