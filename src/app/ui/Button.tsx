import { Button as AriaButton, type ButtonProps } from 'react-aria-components';

type Look = 'primary' | 'plain' | 'quiet' | 'danger';

/** A button. `primary` once a place at most. */
export function Button({ look = 'plain', className, ...props }: ButtonProps & { readonly look?: Look }) {
  return (
    <AriaButton
      {...props}
      className={`button button-${look} ${typeof className === 'string' ? className : ''}`}
    />
  );
}
