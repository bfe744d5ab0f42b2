import { useState } from 'react';
import { FileTrigger } from 'react-aria-components';
import { type Failure, failureOf } from '../../store/task';
import { Button } from '../../ui/Button';
import { ErrorNotice } from '../../ui/ErrorNotice';

/** Takes the file that was chosen, and knows why the last one could not be used. @param use rejects where it cannot use the file */
export function useChosenFile(use: (file: File) => Promise<unknown>): {
  readonly failure: Failure | null;
  readonly take: (files: FileList | null) => void;
} {
  const [failure, setFailure] = useState<Failure | null>(null);
  const take = async (files: FileList | null) => {
    const file = files?.[0];
    if (!file) return;
    setFailure(null);
    try {
      await use(file);
    } catch (thrown) {
      setFailure(failureOf(thrown));
    }
  };
  return { failure, take: (files) => void take(files) };
}

/** A file that was chosen cannot be used. */
export const FileFailure = ({ failure }: { readonly failure: Failure | null }) =>
  failure && <ErrorNotice title="The file cannot be used" error={failure} />;

/** A button that opens a JSON file, and what is wrong with the file that was chosen. */
export function OpenJsonFile({
  label,
  max,
  hint,
  isDisabled = false,
  read,
}: {
  readonly label: string;
  /** Bytes of the largest file that is read. */
  readonly max: number;
  /** Which file to choose in place of one that is too large. */
  readonly hint: string;
  readonly isDisabled?: boolean;
  /** Takes what is in the file; throws or rejects where it cannot be used. */
  readonly read: (text: string) => unknown;
}) {
  const { failure, take } = useChosenFile(async (file) => {
    if (file.size > max)
      throw Object.assign(new Error(`${file.name} has ${file.size} bytes; at most ${max} are read`), {
        code: 'file',
        hint,
      });
    await read(await file.text());
  });
  return (
    <>
      <FileTrigger acceptedFileTypes={['application/json', '.json']} onSelect={take}>
        <Button isDisabled={isDisabled}>{label}</Button>
      </FileTrigger>
      <FileFailure failure={failure} />
    </>
  );
}
