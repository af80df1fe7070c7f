import { useState } from 'react';
import { fromField, toField, zoneName } from './span.ts';

/** One moment in this browser's zone. */
export function InstantPicker({ at, onAsk }: { at: string; onAsk: (at: string) => void }) {
  const [wrong, setWrong] = useState<string>();
  const ask = (form: FormData) => {
    const instant = fromField(String(form.get('at') ?? ''));
    setWrong(instant === undefined ? 'Fill in the day and the time.' : undefined);
    if (instant !== undefined) onAsk(instant);
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
        Moment
        <input type="datetime-local" step="1" name="at" defaultValue={toField(at)} required />
      </label>
      <button type="submit" className="primary">
        Draw it
      </button>
      <span className="quiet zone">Times in {zoneName()}</span>
      <p role="alert" className="wrong">
        {wrong}
      </p>
    </form>
  );
}
