import { Component, type ReactNode } from 'react';
import { Button } from './Button';
import { ErrorNotice } from './ErrorNotice';

/** Keeps a part of the page that breaks from taking the rest with it. */
export class Boundary extends Component<
  { readonly name: string; readonly children: ReactNode },
  { readonly error: Error | null }
> {
  override state: { readonly error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <ErrorNotice
        title={`${this.props.name} could not be shown`}
        error={{
          name: error.name,
          code: 'page',
          message: error.message,
          hint: 'Try again, or reload the page. Stored runs are not affected.',
          stack: error.stack ?? null,
        }}
      >
        <Button onPress={() => this.setState({ error: null })}>Show again</Button>
      </ErrorNotice>
    );
  }
}
