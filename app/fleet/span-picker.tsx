import { useState } from 'react';
import { fromField, toField, zoneName } from './span.ts';
import type { Span } from './span.ts';

/** Two moments in this browser's zone. What cannot be a span is said, not sent. */
export function SpanPicker({ span, onAsk }: { span: Span; onAsk: (span: Span) => void }) {
  const [wrong, setWrong] = useState<string>();
  const ask = (form: FormData) => {
    const from = fromField(String(form.get('from') ?? ''));
    const to = fromField(String(form.get('to') ?? ''));
    if (from === undefined || to === undefined) setWrong('Fill in both moments, with their times.');
    else if (from >= to) setWrong('The beginning must be before the end.');
    else {
      setWrong(undefined);
      onAsk({ from, to });
    }
  };
  return (
    <form
      className="span-picker"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        ask(new FormData(event.currentTarget));
      }}
    >
      <label>
        From
        <input type="datetime-local" step="1" name="from" defaultValue={toField(span.from)} required />
      </label>
      <label>
        To
        <input type="datetime-local" step="1" name="to" defaultValue={toField(span.to)} required />
      </label>
      <button type="submit" className="primary">
        Ask
      </button>
      <span className="quiet zone">Times in {zoneName()}</span>
      <p role="alert" className="wrong">
        {wrong}
      </p>
    </form>
  );
}
