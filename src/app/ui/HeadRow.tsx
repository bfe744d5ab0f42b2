/** The row of a table that names its columns. */
export const HeadRow = ({ names }: { readonly names: readonly string[] }) => (
  <thead>
    <tr>
      {names.map((name, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two columns may share a name
        <th key={i} scope="col">
          {name}
        </th>
      ))}
    </tr>
  </thead>
);
